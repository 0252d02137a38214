import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** What is kept of a key: its facts, each with the number of rows that say so. */
final class Facts {
  /** Of completion states at one time the last of these holds. */
  private static final String RANKS = "0312";

  private final Map<Row.Fact, Integer> rows = new HashMap<>();

  Facts add(String row) {
    rows.merge(Row.parse(row).fact(), 1, Integer::sum);
    return this;
  }

  /** Takes back a row that was added before. */
  Facts subtract(String row) {
    rows.computeIfPresent(Row.parse(row).fact(), (fact, count) -> count == 1 ? null : count - 1);
    return this;
  }

  /** A row that repeats a fact changes nothing. */
  Features features(long today) {
    var features = new Features(today);
    var completions = new HashMap<String, List<Row.Fact>>();
    var grades = new HashMap<String, List<Row.Fact>>();
    for (Row.Fact fact : rows.keySet()) {
      if (!features.counts(fact.at())) continue;
      switch (fact.kind()) {
        case "enrolment" -> { }
        case "completion" -> completions.computeIfAbsent(fact.name(), name -> new ArrayList<>()).add(fact);
        case "grade" -> grades.computeIfAbsent(fact.name(), name -> new ArrayList<>()).add(fact);
        default -> features.event(fact, 1);
      }
    }
    completions.values().forEach(states -> complete(features, states));
    grades.values().forEach(states -> features.grade(latest(states), 1));
    return features;
  }

  /** The plain reading: every row is something that happened. */
  Features featuresOfRows(long today) {
    var features = new Features(today);
    rows.forEach((fact, count) -> {
      switch (fact.kind()) {
        case "enrolment" -> { }
        case "grade" -> features.grade(fact, count);
        default -> features.event(fact, count);
      }
      if (fact.kind().equals("completion") && isDone(fact)) features.completed += count;
    });
    return features;
  }

  /** A first run of done states was done before anybody looked, and is no activity. */
  private static void complete(Features features, List<Row.Fact> states) {
    states.sort(Comparator.comparingLong(Row.Fact::at).thenComparingInt(fact -> RANKS.indexOf(fact.more())));
    boolean wasNotDone = false;
    for (int i = 0; i < states.size(); i++) {
      boolean isLast = i + 1 == states.size();
      if (!isLast && states.get(i + 1).at() == states.get(i).at()) continue;
      if (isDone(states.get(i)) && wasNotDone) features.active(states.get(i).at());
      wasNotDone = !isDone(states.get(i));
      if (isLast && !wasNotDone) features.completed++;
    }
  }

  private static boolean isDone(Row.Fact completion) {
    return RANKS.indexOf(completion.more()) >= 2;
  }

  private static Row.Fact latest(List<Row.Fact> grades) {
    Comparator<Row.Fact> byTime = Comparator.comparingLong(Row.Fact::at);
    return grades.stream().max(byTime.thenComparing(Features::value).thenComparing(Features::max)).orElseThrow();
  }

  byte[] write() {
    var bytes = new ByteArrayOutputStream(1024);
    try (var out = new DataOutputStream(bytes)) {
      out.writeInt(rows.size());
      for (var entry : rows.entrySet()) {
        out.writeUTF(entry.getKey().kind());
        out.writeUTF(entry.getKey().name());
        out.writeLong(entry.getKey().at());
        out.writeUTF(entry.getKey().more());
        out.writeInt(entry.getValue());
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return bytes.toByteArray();
  }

  static Facts read(byte[] bytes) {
    if (bytes == null) return null;
    var facts = new Facts();
    try (var in = new DataInputStream(new ByteArrayInputStream(bytes))) {
      for (int left = in.readInt(); left > 0; left--)
        facts.rows.put(new Row.Fact(in.readUTF(), in.readUTF(), in.readLong(), in.readUTF()), in.readInt());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return facts;
  }
}
