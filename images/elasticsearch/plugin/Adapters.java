package io.supersmartmatch.elasticsearch;

import java.io.IOException;
import java.io.Reader;
import java.util.function.Supplier;
import java.util.function.UnaryOperator;
import org.apache.lucene.analysis.Analyzer;
import org.apache.lucene.analysis.TokenStream;
import org.apache.lucene.analysis.Tokenizer;
import org.elasticsearch.common.settings.Settings;
import org.elasticsearch.env.Environment;
import org.elasticsearch.index.analysis.AnalyzerProvider;
import org.elasticsearch.index.analysis.AnalyzerScope;
import org.elasticsearch.index.analysis.CharFilterFactory;
import org.elasticsearch.index.analysis.NormalizingTokenFilterFactory;
import org.elasticsearch.index.analysis.TokenFilterFactory;
import org.elasticsearch.index.analysis.TokenizerFactory;
import org.elasticsearch.indices.analysis.AnalysisModule.AnalysisProvider;

/** From functions over Lucene's streams to the factories that the server asks for. */
final class Adapters {

    private Adapters() {}

    /** A component that is used by its plain name has no settings. */
    static Settings orEmpty(Settings settings) {
        return settings == null ? Settings.EMPTY : settings;
    }

    /** Reads the settings once, and gives what is done to each stream. */
    interface Reading<T> {
        T from(Environment environment, Settings settings) throws IOException;
    }

    static class Filter implements TokenFilterFactory {
        private final String name;
        private final UnaryOperator<TokenStream> apply;

        Filter(String name, UnaryOperator<TokenStream> apply) {
            this.name = name;
            this.apply = apply;
        }

        @Override
        public String name() {
            return name;
        }

        @Override
        public TokenStream create(TokenStream input) {
            return apply.apply(input);
        }
    }

    /** One that a normalizer may use: it changes characters, never the number of tokens. */
    private static final class Normalizing extends Filter implements NormalizingTokenFilterFactory {
        Normalizing(String name, UnaryOperator<TokenStream> apply) {
            super(name, apply);
        }
    }

    /** One that may not stand in front of a synonym filter: its rules could not be parsed with it. */
    private static final class NotForSynonyms extends Filter {
        NotForSynonyms(String name, UnaryOperator<TokenStream> apply) {
            super(name, apply);
        }

        @Override
        public TokenFilterFactory getSynonymFilter() {
            throw new IllegalArgumentException("Token filter [" + name() + "] cannot be used to parse synonyms");
        }
    }

    static AnalysisProvider<TokenFilterFactory> filter(Reading<UnaryOperator<TokenStream>> reading) {
        return (index, environment, name, settings) -> new Filter(name, reading.from(environment, orEmpty(settings)));
    }

    static AnalysisProvider<TokenFilterFactory> normalizing(Reading<UnaryOperator<TokenStream>> reading) {
        return (index, environment, name, settings) -> new Normalizing(name, reading.from(environment, orEmpty(settings)));
    }

    static AnalysisProvider<TokenFilterFactory> notForSynonyms(Reading<UnaryOperator<TokenStream>> reading) {
        return (index, environment, name, settings) -> new NotForSynonyms(name, reading.from(environment, orEmpty(settings)));
    }

    static AnalysisProvider<TokenizerFactory> tokenizer(Reading<Supplier<Tokenizer>> reading) {
        return (index, environment, name, settings) -> TokenizerFactory.newFactory(
            name,
            reading.from(environment, orEmpty(settings))
        );
    }

    static AnalysisProvider<CharFilterFactory> charFilter(Reading<UnaryOperator<Reader>> reading) {
        return (index, environment, name, settings) -> {
            UnaryOperator<Reader> apply = reading.from(environment, orEmpty(settings));
            return new CharFilterFactory() {
                @Override
                public String name() {
                    return name;
                }

                @Override
                public Reader create(Reader input) {
                    return apply.apply(input);
                }
            };
        };
    }

    static AnalysisProvider<AnalyzerProvider<? extends Analyzer>> analyzer(Reading<Analyzer> reading) {
        return (index, environment, name, settings) -> {
            Analyzer analyzer = reading.from(environment, orEmpty(settings));
            return new AnalyzerProvider<Analyzer>() {
                @Override
                public String name() {
                    return name;
                }

                @Override
                public AnalyzerScope scope() {
                    return AnalyzerScope.INDEX;
                }

                @Override
                public Analyzer get() {
                    return analyzer;
                }
            };
        };
    }
}
