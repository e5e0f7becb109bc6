package io.supersmartmatch.elasticsearch;

import static io.supersmartmatch.elasticsearch.Adapters.tokenizer;

import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.IntPredicate;
import java.util.function.Supplier;
import java.util.regex.Pattern;
import org.apache.lucene.analysis.Tokenizer;
import org.apache.lucene.analysis.core.KeywordTokenizer;
import org.apache.lucene.analysis.core.LetterTokenizer;
import org.apache.lucene.analysis.core.WhitespaceTokenizer;
import org.apache.lucene.analysis.email.UAX29URLEmailTokenizer;
import org.apache.lucene.analysis.ngram.EdgeNGramTokenizer;
import org.apache.lucene.analysis.ngram.NGramTokenizer;
import org.apache.lucene.analysis.path.PathHierarchyTokenizer;
import org.apache.lucene.analysis.pattern.PatternTokenizer;
import org.elasticsearch.common.settings.Settings;
import org.elasticsearch.env.Environment;
import org.elasticsearch.index.analysis.TokenizerFactory;
import org.elasticsearch.indices.analysis.AnalysisModule.AnalysisProvider;

/** Tokenizers besides `standard`, which the server has itself. */
final class Tokenizers {

    private Tokenizers() {}

    static Map<String, AnalysisProvider<TokenizerFactory>> all() {
        Map<String, AnalysisProvider<TokenizerFactory>> tokenizers = new TreeMap<>();
        tokenizers.put("keyword", tokenizer((environment, settings) -> KeywordTokenizer::new));
        tokenizers.put("whitespace", tokenizer((environment, settings) -> WhitespaceTokenizer::new));
        tokenizers.put("letter", tokenizer((environment, settings) -> LetterTokenizer::new));
        tokenizers.put("uax_url_email", tokenizer((environment, settings) -> UAX29URLEmailTokenizer::new));
        tokenizers.put("path_hierarchy", tokenizer((environment, settings) -> PathHierarchyTokenizer::new));
        tokenizers.put("edge_ngram", tokenizer(Tokenizers::edgeNGram));
        tokenizers.put("ngram", tokenizer(Tokenizers::nGram));
        tokenizers.put("pattern", tokenizer((environment, settings) -> {
            Pattern pattern = Pattern.compile(settings.get("pattern", "\\W+"));
            int group = settings.getAsInt("group", -1);
            return () -> new PatternTokenizer(pattern, group);
        }));
        return tokenizers;
    }

    private static Supplier<Tokenizer> edgeNGram(Environment environment, Settings settings) {
        int min = settings.getAsInt("min_gram", 1);
        int max = settings.getAsInt("max_gram", 2);
        IntPredicate isTokenChar = tokenChars(settings);
        return () -> new EdgeNGramTokenizer(min, max) {
            @Override
            protected boolean isTokenChar(int character) {
                return isTokenChar.test(character);
            }
        };
    }

    private static Supplier<Tokenizer> nGram(Environment environment, Settings settings) {
        int min = settings.getAsInt("min_gram", 1);
        int max = settings.getAsInt("max_gram", 2);
        IntPredicate isTokenChar = tokenChars(settings);
        return () -> new NGramTokenizer(min, max) {
            @Override
            protected boolean isTokenChar(int character) {
                return isTokenChar.test(character);
            }
        };
    }

    private static IntPredicate tokenChars(Settings settings) {
        List<String> kinds = settings.getAsList("token_chars");
        String custom = settings.get("custom_token_chars", "");
        return kinds.stream().map(kind -> tokenChars(kind, custom)).reduce(IntPredicate::or).orElse(character -> true);
    }

    private static IntPredicate tokenChars(String kind, String custom) {
        return switch (kind) {
            case "letter" -> Character::isLetter;
            case "digit" -> Character::isDigit;
            case "whitespace" -> Character::isWhitespace;
            case "custom" -> character -> custom.indexOf(character) >= 0;
            default -> throw new IllegalArgumentException("Unknown token type: '" + kind + "'");
        };
    }
}
