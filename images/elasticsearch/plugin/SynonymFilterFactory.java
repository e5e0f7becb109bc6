package io.supersmartmatch.elasticsearch;

import java.io.IOException;
import java.io.StringReader;
import java.text.ParseException;
import java.util.List;
import java.util.function.Function;
import java.util.function.UnaryOperator;
import org.apache.lucene.analysis.Analyzer;
import org.apache.lucene.analysis.TokenStream;
import org.apache.lucene.analysis.synonym.SolrSynonymParser;
import org.apache.lucene.analysis.synonym.SynonymFilter;
import org.apache.lucene.analysis.synonym.SynonymGraphFilter;
import org.apache.lucene.analysis.synonym.SynonymMap;
import org.apache.lucene.analysis.synonym.WordnetSynonymParser;
import org.apache.lucene.util.CharsRef;
import org.apache.lucene.util.CharsRefBuilder;
import org.elasticsearch.common.settings.Settings;
import org.elasticsearch.env.Environment;
import org.elasticsearch.index.IndexService.IndexCreationContext;
import org.elasticsearch.index.analysis.Analysis;
import org.elasticsearch.index.analysis.CharFilterFactory;
import org.elasticsearch.index.analysis.CustomAnalyzer;
import org.elasticsearch.index.analysis.TokenFilterFactory;
import org.elasticsearch.index.analysis.TokenizerFactory;

/** Its rules are read with the tokenizer and the filters in front of it, so that they meet the same tokens as the text. */
final class SynonymFilterFactory implements TokenFilterFactory {

    private final String name;
    private final Environment environment;
    private final Settings settings;
    private final boolean graph;

    SynonymFilterFactory(String name, Environment environment, Settings settings, boolean graph) {
        this.name = name;
        this.environment = environment;
        this.settings = settings;
        this.graph = graph;
    }

    @Override
    public String name() {
        return name;
    }

    @Override
    public TokenStream create(TokenStream input) {
        throw new IllegalStateException("the server asks for getChainAwareTokenFilterFactory first");
    }

    @Override
    public TokenFilterFactory getChainAwareTokenFilterFactory(
        IndexCreationContext context,
        TokenizerFactory tokenizer,
        List<CharFilterFactory> charFilters,
        List<TokenFilterFactory> before,
        Function<String, TokenFilterFactory> allFilters
    ) {
        TokenFilterFactory[] filters = before.stream().map(TokenFilterFactory::getSynonymFilter).toArray(TokenFilterFactory[]::new);
        Analyzer analyzer = new CustomAnalyzer(tokenizer, charFilters.toArray(CharFilterFactory[]::new), filters);
        return new Chained(name, apply(rules(analyzer)));
    }

    private UnaryOperator<TokenStream> apply(SynonymMap rules) {
        if (rules.fst == null) return input -> input;
        return graph ? input -> new SynonymGraphFilter(input, rules, false) : input -> new SynonymFilter(input, rules, false);
    }

    private SynonymMap rules(Analyzer analyzer) {
        boolean expand = settings.getAsBoolean("expand", true);
        boolean lenient = settings.getAsBoolean("lenient", false);
        StringReader text = new StringReader(String.join("\n", Analysis.getWordList(environment, settings, "synonyms")));
        try {
            if ("wordnet".equalsIgnoreCase(settings.get("format"))) {
                WordnetSynonymParser parser = new WordnetSynonymParser(true, expand, analyzer);
                parser.parse(text);
                return parser.build();
            }
            SolrSynonymParser parser = new Parser(expand, lenient, analyzer);
            parser.parse(text);
            return parser.build();
        } catch (IOException | ParseException | IllegalArgumentException error) {
            throw new IllegalArgumentException("failed to build synonyms", error);
        }
    }

    /** A lenient one leaves out what analysis makes nothing of. */
    private static final class Parser extends SolrSynonymParser {
        private final boolean lenient;

        Parser(boolean expand, boolean lenient, Analyzer analyzer) {
            super(true, expand, analyzer);
            this.lenient = lenient;
        }

        @Override
        public CharsRef analyze(String text, CharsRefBuilder reuse) throws IOException {
            try {
                return super.analyze(text, reuse);
            } catch (IllegalArgumentException error) {
                if (lenient) return new CharsRef("");
                throw error;
            }
        }

        @Override
        public void add(CharsRef input, CharsRef output, boolean includeOriginal) {
            if (input.length > 0 && output.length > 0) super.add(input, output, includeOriginal);
        }
    }

    /** Synonym filters behind this one read their rules without it. */
    private static final class Chained extends Adapters.Filter {
        Chained(String name, UnaryOperator<TokenStream> apply) {
            super(name, apply);
        }

        @Override
        public TokenFilterFactory getSynonymFilter() {
            return IDENTITY_FILTER;
        }
    }
}
