// SPDX-License-Identifier: Apache-2.0
// The other side of bench/text and of tests/compat/lucene.sh: Lucene over the same documents and queries, with the
// analyzer and the similarity that Elasticsearch 7.10 uses (BM25 with its factor k1 + 1).
//
//   java Lucene.java index DIR SEGMENTS < documents, one a line
//   java Lucene.java run DIR QUERIES WARM ROUNDS TRACK K
//
// Prints what text_bench prints: number, class, total, relation, median time in microseconds, doc:score,…
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Paths;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.StringTokenizer;
import org.apache.lucene.analysis.standard.StandardAnalyzer;
import org.apache.lucene.document.Document;
import org.apache.lucene.document.Field;
import org.apache.lucene.document.TextField;
import org.apache.lucene.index.DirectoryReader;
import org.apache.lucene.index.IndexWriter;
import org.apache.lucene.index.IndexWriterConfig;
import org.apache.lucene.index.LogDocMergePolicy;
import org.apache.lucene.index.SerialMergeScheduler;
import org.apache.lucene.index.Term;
import org.apache.lucene.search.BooleanClause;
import org.apache.lucene.search.BooleanQuery;
import org.apache.lucene.search.IndexSearcher;
import org.apache.lucene.search.PhraseQuery;
import org.apache.lucene.search.PrefixQuery;
import org.apache.lucene.search.Query;
import org.apache.lucene.search.TermQuery;
import org.apache.lucene.search.TopDocs;
import org.apache.lucene.search.TopScoreDocCollector;
import org.apache.lucene.search.TotalHits;
import org.apache.lucene.search.similarities.Similarity;
import org.apache.lucene.search.similarity.LegacyBM25Similarity;
import org.apache.lucene.store.MMapDirectory;

public class Lucene {
    static final String FIELD = "t";
    static final Similarity SIMILARITY = new LegacyBM25Similarity();

    static void index(String dir, int segments) throws Exception {
        IndexWriterConfig config = new IndexWriterConfig(new StandardAnalyzer());
        config.setSimilarity(SIMILARITY);
        config.setRAMBufferSizeMB(512);
        config.setMergePolicy(new LogDocMergePolicy()); // keeps the order of the documents
        config.setMergeScheduler(new SerialMergeScheduler());
        long began = System.nanoTime();
        int count = 0;
        try (IndexWriter writer = new IndexWriter(new MMapDirectory(Paths.get(dir)), config);
             BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8))) {
            for (String line; (line = in.readLine()) != null; count++) {
                Document doc = new Document();
                doc.add(new TextField(FIELD, line, Field.Store.NO));
                writer.addDocument(doc);
            }
            writer.forceMerge(segments);
        }
        System.err.printf("Lucene: %d documents in %.1f s%n", count, (System.nanoTime() - began) / 1e9);
    }

    // (or a b) (and a b) (term a) (prefix a) (phrase SLOP a b) (bool must (…) filter (…) should (…) must_not (…) )
    static Query parse(StringTokenizer in) {
        String head = in.nextToken();
        switch (head) {
        case "(term":
            Query term = new TermQuery(new Term(FIELD, in.nextToken()));
            in.nextToken();
            return term;
        case "(prefix":
            Query prefix = new PrefixQuery(new Term(FIELD, in.nextToken()));
            in.nextToken();
            return prefix;
        case "(phrase":
            PhraseQuery.Builder phrase = new PhraseQuery.Builder();
            phrase.setSlop(Integer.parseInt(in.nextToken()));
            for (String word; !(word = in.nextToken()).equals(")");)
                phrase.add(new Term(FIELD, word));
            return phrase.build();
        case "(or":
        case "(and":
            BooleanQuery.Builder words = new BooleanQuery.Builder();
            for (String word; !(word = in.nextToken()).equals(")");)
                words.add(new TermQuery(new Term(FIELD, word)),
                    head.equals("(or") ? BooleanClause.Occur.SHOULD : BooleanClause.Occur.MUST);
            return words.build();
        case "(bool":
            BooleanQuery.Builder bool = new BooleanQuery.Builder();
            for (String occur; !(occur = in.nextToken()).equals(")");)
                bool.add(parse(in), BooleanClause.Occur.valueOf(occur.toUpperCase()));
            return bool.build();
        default:
            throw new IllegalArgumentException(head);
        }
    }

    static void run(String[] arg) throws Exception {
        int warm = Integer.parseInt(arg[3]), rounds = Integer.parseInt(arg[4]), k = Integer.parseInt(arg[6]);
        int track = arg[5].equals("true") ? Integer.MAX_VALUE : Integer.parseInt(arg[5]);
        List<String> classes = new ArrayList<>();
        List<Query> queries = new ArrayList<>();
        for (String line : Files.readAllLines(Paths.get(arg[2]))) {
            String[] parts = line.split("\t");
            classes.add(parts[0]);
            queries.add(parse(new StringTokenizer(parts[1])));
        }
        PrintStream out = new PrintStream(System.out, false, "UTF-8");
        try (DirectoryReader reader = DirectoryReader.open(new MMapDirectory(Paths.get(arg[1])))) {
            IndexSearcher searcher = new IndexSearcher(reader);
            searcher.setSimilarity(SIMILARITY);
            searcher.setQueryCache(null);
            long[][] ns = new long[queries.size()][rounds];
            TopDocs[] last = new TopDocs[queries.size()];
            for (int round = 0; round < warm + rounds; round++) {
                for (int i = 0; i < queries.size(); i++) {
                    long began = System.nanoTime();
                    TopScoreDocCollector collector = TopScoreDocCollector.create(k, null, track);
                    searcher.search(queries.get(i), collector);
                    last[i] = collector.topDocs();
                    if (round >= warm)
                        ns[i][round - warm] = System.nanoTime() - began;
                }
            }
            for (int i = 0; i < queries.size(); i++) {
                Arrays.sort(ns[i]);
                StringBuilder hits = new StringBuilder();
                for (int h = 0; h < last[i].scoreDocs.length; h++)
                    hits.append(h > 0 ? "," : "").append(last[i].scoreDocs[h].doc).append(':').append(
                        last[i].scoreDocs[h].score);
                out.printf("%d\t%s\t%d\t%s\t%.1f\t%s%n", i, classes.get(i), last[i].totalHits.value,
                    last[i].totalHits.relation == TotalHits.Relation.EQUAL_TO ? "eq" : "gte", ns[i][rounds / 2] / 1e3,
                    hits);
            }
        }
        out.flush();
    }

    public static void main(String[] arg) throws Exception {
        if (arg.length == 3 && arg[0].equals("index")) {
            index(arg[1], Integer.parseInt(arg[2]));
        } else if (arg.length == 7 && arg[0].equals("run")) {
            run(arg);
        } else {
            System.err.println("usage: Lucene index DIR SEGMENTS | run DIR QUERIES WARM ROUNDS TRACK K");
            System.exit(2);
        }
    }
}
