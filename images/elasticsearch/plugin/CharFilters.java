package io.supersmartmatch.elasticsearch;

import static io.supersmartmatch.elasticsearch.Adapters.charFilter;
import static org.elasticsearch.plugins.AnalysisPlugin.requiresAnalysisSettings;

import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Pattern;
import org.apache.lucene.analysis.charfilter.HTMLStripCharFilter;
import org.apache.lucene.analysis.charfilter.MappingCharFilter;
import org.apache.lucene.analysis.charfilter.NormalizeCharMap;
import org.apache.lucene.analysis.pattern.PatternReplaceCharFilter;
import org.elasticsearch.index.analysis.Analysis;
import org.elasticsearch.index.analysis.CharFilterFactory;
import org.elasticsearch.indices.analysis.AnalysisModule.AnalysisProvider;

/** What is done to the text before it is cut into tokens. */
final class CharFilters {

    private CharFilters() {}

    static Map<String, AnalysisProvider<CharFilterFactory>> all() {
        Map<String, AnalysisProvider<CharFilterFactory>> filters = new TreeMap<>();
        filters.put("html_strip", charFilter((environment, settings) -> HTMLStripCharFilter::new));
        filters.put("mapping", requiresAnalysisSettings(charFilter((environment, settings) -> {
            NormalizeCharMap map = mapping(Analysis.getWordList(environment, settings, "mappings"));
            return input -> new MappingCharFilter(map, input);
        })));
        filters.put("pattern_replace", requiresAnalysisSettings(charFilter((environment, settings) -> {
            Pattern pattern = Pattern.compile(settings.get("pattern"));
            String replacement = settings.get("replacement", "");
            return input -> new PatternReplaceCharFilter(pattern, replacement, input);
        })));
        return filters;
    }

    private static NormalizeCharMap mapping(List<String> rules) {
        NormalizeCharMap.Builder builder = new NormalizeCharMap.Builder();
        for (String rule : rules) {
            String[] sides = rule.split("=>", 2);
            if (sides.length < 2) throw new IllegalArgumentException("Invalid mapping rule : [" + rule + "]");
            builder.add(sides[0].trim(), sides[1].trim());
        }
        return builder.build();
    }
}
