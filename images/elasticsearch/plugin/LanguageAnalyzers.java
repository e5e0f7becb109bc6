package io.supersmartmatch.elasticsearch;

import static io.supersmartmatch.elasticsearch.Adapters.analyzer;

import java.util.Map;
import java.util.TreeMap;
import java.util.function.BiFunction;
import org.apache.lucene.analysis.Analyzer;
import org.apache.lucene.analysis.CharArraySet;
import org.apache.lucene.analysis.de.GermanAnalyzer;
import org.apache.lucene.analysis.en.EnglishAnalyzer;
import org.apache.lucene.analysis.es.SpanishAnalyzer;
import org.apache.lucene.analysis.fr.FrenchAnalyzer;
import org.apache.lucene.analysis.it.ItalianAnalyzer;
import org.apache.lucene.analysis.pt.PortugueseAnalyzer;
import org.elasticsearch.index.analysis.Analysis;
import org.elasticsearch.index.analysis.AnalyzerProvider;
import org.elasticsearch.indices.analysis.AnalysisModule.AnalysisProvider;

/** Lucene's analyzers for whole languages. */
final class LanguageAnalyzers {

    private LanguageAnalyzers() {}

    static Map<String, AnalysisProvider<AnalyzerProvider<? extends Analyzer>>> all() {
        Map<String, AnalysisProvider<AnalyzerProvider<? extends Analyzer>>> analyzers = new TreeMap<>();
        analyzers.put("english", language(EnglishAnalyzer.getDefaultStopSet(), EnglishAnalyzer::new));
        analyzers.put("french", language(FrenchAnalyzer.getDefaultStopSet(), FrenchAnalyzer::new));
        analyzers.put("german", language(GermanAnalyzer.getDefaultStopSet(), GermanAnalyzer::new));
        analyzers.put("spanish", language(SpanishAnalyzer.getDefaultStopSet(), SpanishAnalyzer::new));
        analyzers.put("italian", language(ItalianAnalyzer.getDefaultStopSet(), ItalianAnalyzer::new));
        analyzers.put("portuguese", language(PortugueseAnalyzer.getDefaultStopSet(), PortugueseAnalyzer::new));
        return analyzers;
    }

    /** @param make  of the words to leave out and those not to stem */
    private static AnalysisProvider<AnalyzerProvider<? extends Analyzer>> language(
        CharArraySet stopWords,
        BiFunction<CharArraySet, CharArraySet, Analyzer> make
    ) {
        return analyzer((environment, settings) -> make.apply(
            Analysis.parseStopWords(environment, settings, stopWords),
            Analysis.parseStemExclusion(settings, CharArraySet.EMPTY_SET)
        ));
    }
}
