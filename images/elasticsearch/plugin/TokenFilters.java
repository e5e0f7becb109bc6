package io.supersmartmatch.elasticsearch;

import static io.supersmartmatch.elasticsearch.Adapters.filter;
import static io.supersmartmatch.elasticsearch.Adapters.normalizing;
import static io.supersmartmatch.elasticsearch.Adapters.notForSynonyms;
import static org.elasticsearch.plugins.AnalysisPlugin.requiresAnalysisSettings;

import java.io.IOException;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.UnaryOperator;
import java.util.regex.Pattern;
import org.apache.lucene.analysis.CharArraySet;
import org.apache.lucene.analysis.FilteringTokenFilter;
import org.apache.lucene.analysis.LowerCaseFilter;
import org.apache.lucene.analysis.TokenStream;
import org.apache.lucene.analysis.core.DecimalDigitFilter;
import org.apache.lucene.analysis.core.FlattenGraphFilter;
import org.apache.lucene.analysis.core.UpperCaseFilter;
import org.apache.lucene.analysis.de.GermanLightStemFilter;
import org.apache.lucene.analysis.en.EnglishMinimalStemFilter;
import org.apache.lucene.analysis.en.EnglishPossessiveFilter;
import org.apache.lucene.analysis.en.KStemFilter;
import org.apache.lucene.analysis.en.PorterStemFilter;
import org.apache.lucene.analysis.es.SpanishLightStemFilter;
import org.apache.lucene.analysis.fr.FrenchLightStemFilter;
import org.apache.lucene.analysis.it.ItalianLightStemFilter;
import org.apache.lucene.analysis.miscellaneous.ASCIIFoldingFilter;
import org.apache.lucene.analysis.miscellaneous.KeepWordFilter;
import org.apache.lucene.analysis.miscellaneous.LengthFilter;
import org.apache.lucene.analysis.miscellaneous.LimitTokenCountFilter;
import org.apache.lucene.analysis.miscellaneous.RemoveDuplicatesTokenFilter;
import org.apache.lucene.analysis.miscellaneous.SetKeywordMarkerFilter;
import org.apache.lucene.analysis.miscellaneous.StemmerOverrideFilter;
import org.apache.lucene.analysis.miscellaneous.TrimFilter;
import org.apache.lucene.analysis.miscellaneous.TruncateTokenFilter;
import org.apache.lucene.analysis.miscellaneous.WordDelimiterGraphFilter;
import org.apache.lucene.analysis.ngram.EdgeNGramTokenFilter;
import org.apache.lucene.analysis.ngram.NGramTokenFilter;
import org.apache.lucene.analysis.pattern.PatternCaptureGroupTokenFilter;
import org.apache.lucene.analysis.pattern.PatternReplaceFilter;
import org.apache.lucene.analysis.pt.PortugueseLightStemFilter;
import org.apache.lucene.analysis.reverse.ReverseStringFilter;
import org.apache.lucene.analysis.snowball.SnowballFilter;
import org.apache.lucene.analysis.tokenattributes.CharTermAttribute;
import org.apache.lucene.analysis.util.ElisionFilter;
import org.elasticsearch.common.settings.Settings;
import org.elasticsearch.env.Environment;
import org.elasticsearch.index.analysis.Analysis;
import org.elasticsearch.index.analysis.TokenFilterFactory;
import org.elasticsearch.indices.analysis.AnalysisModule.AnalysisProvider;

/** Token filters, by the names that the full server gives them. */
final class TokenFilters {

    private TokenFilters() {}

    static Map<String, AnalysisProvider<TokenFilterFactory>> all() {
        Map<String, AnalysisProvider<TokenFilterFactory>> filters = new TreeMap<>();
        characters(filters);
        stems(filters);
        choices(filters);
        parts(filters);
        filters.put("synonym", requiresAnalysisSettings((index, environment, name, settings) ->
            new SynonymFilterFactory(name, environment, settings, false)));
        filters.put("synonym_graph", requiresAnalysisSettings((index, environment, name, settings) ->
            new SynonymFilterFactory(name, environment, settings, true)));
        return filters;
    }

    /** Those that change the letters of a token. */
    private static void characters(Map<String, AnalysisProvider<TokenFilterFactory>> filters) {
        filters.put("lowercase", normalizing((environment, settings) -> LowerCaseFilter::new));
        filters.put("uppercase", normalizing((environment, settings) -> UpperCaseFilter::new));
        filters.put("trim", normalizing((environment, settings) -> TrimFilter::new));
        filters.put("decimal_digit", normalizing((environment, settings) -> DecimalDigitFilter::new));
        filters.put("reverse", normalizing((environment, settings) -> ReverseStringFilter::new));
        filters.put("asciifolding", normalizing((environment, settings) -> {
            boolean keep = settings.getAsBoolean("preserve_original", false);
            return input -> new ASCIIFoldingFilter(input, keep);
        }));
        filters.put("elision", requiresAnalysisSettings(normalizing((environment, settings) -> {
            CharArraySet articles = Analysis.parseArticles(environment, settings);
            return input -> new ElisionFilter(input, articles);
        })));
        filters.put("pattern_replace", requiresAnalysisSettings(normalizing((environment, settings) -> {
            Pattern pattern = Pattern.compile(settings.get("pattern"));
            String replacement = settings.get("replacement", "");
            boolean all = settings.getAsBoolean("all", true);
            return input -> new PatternReplaceFilter(input, pattern, replacement, all);
        })));
        filters.put("truncate", filter((environment, settings) -> {
            int length = settings.getAsInt("length", 10);
            return input -> new TruncateTokenFilter(input, length);
        }));
    }

    private static void stems(Map<String, AnalysisProvider<TokenFilterFactory>> filters) {
        filters.put("porter_stem", filter((environment, settings) -> PorterStemFilter::new));
        filters.put("kstem", filter((environment, settings) -> KStemFilter::new));
        filters.put("stemmer", filter((environment, settings) -> stemmer(
            settings.get("language", settings.get("name", "porter")))));
        filters.put("snowball", filter((environment, settings) -> {
            String language = settings.get("language", "English");
            return input -> new SnowballFilter(input, language);
        }));
        filters.put("stemmer_override", requiresAnalysisSettings(filter((environment, settings) -> {
            StemmerOverrideFilter.StemmerOverrideMap rules = overrides(Analysis.getWordList(environment, settings, "rules"));
            return input -> new StemmerOverrideFilter(input, rules);
        })));
        filters.put("keyword_marker", requiresAnalysisSettings(filter((environment, settings) -> {
            CharArraySet words = Analysis.getWordSet(environment, settings, "keywords");
            return input -> new SetKeywordMarkerFilter(input, words);
        })));
    }

    private static StemmerOverrideFilter.StemmerOverrideMap overrides(List<String> rules) throws IOException {
        StemmerOverrideFilter.Builder builder = new StemmerOverrideFilter.Builder(false);
        for (String rule : rules) {
            String[] sides = rule.split("=>", 2);
            if (sides.length < 2) throw new IllegalArgumentException("Invalid Keyword override Rule:" + rule);
            for (String word : sides[0].split(",")) builder.add(word.trim(), sides[1].trim());
        }
        return builder.build();
    }

    private static UnaryOperator<TokenStream> stemmer(String language) {
        return switch (language.toLowerCase(Locale.ROOT)) {
            case "english", "porter" -> PorterStemFilter::new;
            case "light_english", "lightenglish", "kstem" -> KStemFilter::new;
            case "minimal_english", "minimalenglish" -> EnglishMinimalStemFilter::new;
            case "possessive_english", "possessiveenglish" -> EnglishPossessiveFilter::new;
            case "porter2" -> input -> new SnowballFilter(input, "English");
            case "light_french" -> FrenchLightStemFilter::new;
            case "light_german" -> GermanLightStemFilter::new;
            case "light_spanish" -> SpanishLightStemFilter::new;
            case "light_italian" -> ItalianLightStemFilter::new;
            case "light_portuguese" -> PortugueseLightStemFilter::new;
            default -> snowball(language);
        };
    }

    /** Throws for a language that Snowball does not have, when the index is made. */
    private static UnaryOperator<TokenStream> snowball(String language) {
        String name = Character.toUpperCase(language.charAt(0)) + language.substring(1).toLowerCase(Locale.ROOT);
        return input -> new SnowballFilter(input, name);
    }

    /** Those that leave tokens out. */
    private static void choices(Map<String, AnalysisProvider<TokenFilterFactory>> filters) {
        filters.put("remove_duplicates", filter((environment, settings) -> RemoveDuplicatesTokenFilter::new));
        filters.put("unique", filter((environment, settings) -> settings.getAsBoolean("only_on_same_position", false)
            ? RemoveDuplicatesTokenFilter::new
            : Unique::new));
        filters.put("keep", requiresAnalysisSettings(filter((environment, settings) -> {
            CharArraySet words = Analysis.getWordSet(environment, settings, "keep_words");
            return input -> new KeepWordFilter(input, words);
        })));
        filters.put("length", filter((environment, settings) -> {
            int min = settings.getAsInt("min", 0);
            int max = settings.getAsInt("max", Integer.MAX_VALUE);
            return input -> new LengthFilter(input, min, max);
        }));
        filters.put("limit", filter((environment, settings) -> {
            int most = settings.getAsInt("max_token_count", 1);
            boolean consumeAll = settings.getAsBoolean("consume_all_tokens", false);
            return input -> new LimitTokenCountFilter(input, most, consumeAll);
        }));
    }

    /** Those that make several tokens of one. */
    private static void parts(Map<String, AnalysisProvider<TokenFilterFactory>> filters) {
        filters.put("flatten_graph", filter((environment, settings) -> FlattenGraphFilter::new));
        filters.put("edge_ngram", notForSynonyms(TokenFilters::edgeNGram));
        filters.put("ngram", notForSynonyms((environment, settings) -> {
            int min = settings.getAsInt("min_gram", 1);
            int max = settings.getAsInt("max_gram", 2);
            boolean keep = settings.getAsBoolean("preserve_original", false);
            return input -> new NGramTokenFilter(input, min, max, keep);
        }));
        filters.put("pattern_capture", requiresAnalysisSettings(filter((environment, settings) -> {
            boolean keep = settings.getAsBoolean("preserve_original", true);
            Pattern[] patterns = settings.getAsList("patterns").stream().map(Pattern::compile).toArray(Pattern[]::new);
            return input -> new PatternCaptureGroupTokenFilter(input, keep, patterns);
        })));
        filters.put("word_delimiter_graph", notForSynonyms((environment, settings) -> {
            int flags = delimiterFlags(settings);
            return input -> new WordDelimiterGraphFilter(input, flags, null);
        }));
    }

    private static UnaryOperator<TokenStream> edgeNGram(Environment environment, Settings settings) {
        int min = settings.getAsInt("min_gram", 1);
        int max = settings.getAsInt("max_gram", 2);
        boolean keep = settings.getAsBoolean("preserve_original", false);
        UnaryOperator<TokenStream> grams = input -> new EdgeNGramTokenFilter(input, min, max, keep);
        if (settings.get("side", "front").equals("front")) return grams;
        return input -> new ReverseStringFilter(grams.apply(new ReverseStringFilter(input)));
    }

    private static int delimiterFlags(Settings settings) {
        return flag(settings, "generate_word_parts", true, WordDelimiterGraphFilter.GENERATE_WORD_PARTS)
            | flag(settings, "generate_number_parts", true, WordDelimiterGraphFilter.GENERATE_NUMBER_PARTS)
            | flag(settings, "catenate_words", false, WordDelimiterGraphFilter.CATENATE_WORDS)
            | flag(settings, "catenate_numbers", false, WordDelimiterGraphFilter.CATENATE_NUMBERS)
            | flag(settings, "catenate_all", false, WordDelimiterGraphFilter.CATENATE_ALL)
            | flag(settings, "split_on_case_change", true, WordDelimiterGraphFilter.SPLIT_ON_CASE_CHANGE)
            | flag(settings, "preserve_original", false, WordDelimiterGraphFilter.PRESERVE_ORIGINAL)
            | flag(settings, "split_on_numerics", true, WordDelimiterGraphFilter.SPLIT_ON_NUMERICS)
            | flag(settings, "stem_english_possessive", true, WordDelimiterGraphFilter.STEM_ENGLISH_POSSESSIVE);
    }

    private static int flag(Settings settings, String key, boolean byDefault, int bit) {
        return settings.getAsBoolean(key, byDefault) ? bit : 0;
    }

    /** Each term once, wherever it stands. */
    private static final class Unique extends FilteringTokenFilter {
        private final CharTermAttribute term = addAttribute(CharTermAttribute.class);
        private final Set<String> seen = new HashSet<>();

        Unique(TokenStream input) {
            super(input);
        }

        @Override
        protected boolean accept() {
            return seen.add(term.toString());
        }

        @Override
        public void reset() throws IOException {
            super.reset();
            seen.clear();
        }
    }
}
