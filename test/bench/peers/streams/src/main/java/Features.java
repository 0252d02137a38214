import java.math.BigDecimal;
import java.math.MathContext;
import java.math.RoundingMode;
import java.util.HashSet;
import java.util.Set;

/** The columns of test/bench/peers/columns.ts, in their order, filled one fact after the other. */
final class Features {
  private static final BigDecimal HUNDRED = BigDecimal.valueOf(100);

  private final long today;
  private final Set<Long> days = new HashSet<>();
  private final Set<String> resources = new HashSet<>();
  private long events, logins, logins7, logins30, views7, views30, posts, posts30, graded, gradeRows;
  private long last = Long.MIN_VALUE;
  private BigDecimal points = BigDecimal.ZERO;
  long completed;

  Features(long today) {
    this.today = today;
  }

  private static long dayOf(long at) { return Math.floorDiv(at, 86_400_000L); }

  boolean counts(long at) { return dayOf(at) <= today; }

  void event(Row.Fact fact, int times) {
    long age = today - dayOf(fact.at());
    int within7 = age < 7 ? times : 0;
    int within30 = age < 30 ? times : 0;
    events += times;
    switch (fact.kind()) {
      case "login" -> { logins += times; logins7 += within7; logins30 += within30; }
      case "view" -> { views7 += within7; views30 += within30; if (!fact.name().isEmpty()) resources.add(fact.name()); }
      case "forum_post" -> { posts += times; posts30 += within30; }
      default -> { }
    }
    active(fact.at());
  }

  void active(long at) {
    days.add(dayOf(at));
    last = Math.max(last, at);
  }

  void grade(Row.Fact fact, int times) {
    gradeRows += times;
    if (fact.name().equals("course") || fact.name().equals("category") || value(fact).signum() <= 0) return;
    graded += times;
    // To 34 digits, which is enough for two decimals of a mean of grades that have five.
    var point = HUNDRED.multiply(value(fact).min(max(fact))).divide(max(fact), MathContext.DECIMAL128);
    points = points.add(point.multiply(BigDecimal.valueOf(times)));
  }

  /** Null is the least, and not graded; so is 0. */
  static BigDecimal value(Row.Fact grade) {
    String value = grade.more().substring(0, grade.more().indexOf('/'));
    return value.isEmpty() ? BigDecimal.ONE.negate() : new BigDecimal(value);
  }

  static BigDecimal max(Row.Fact grade) {
    return new BigDecimal(grade.more().substring(grade.more().indexOf('/') + 1));
  }

  private long daysWithin(int window) {
    return days.stream().filter(day -> today - day < window).count();
  }

  private static String mean(BigDecimal sum, long count) {
    return sum.divide(BigDecimal.valueOf(count), 2, RoundingMode.HALF_UP).toPlainString();
  }

  String line() {
    return String.join("\t", "" + events, "" + logins, "" + logins7, "" + logins30, "" + views7, "" + views30,
        "" + resources.size(), "" + posts, "" + posts30, "" + days.size(), "" + daysWithin(7), "" + daysWithin(30),
        mean(BigDecimal.valueOf(daysWithin(28)), 4), last == Long.MIN_VALUE ? "" : "" + last, "" + completed,
        gradeRows == 0 ? "" : "" + graded, graded == 0 ? "" : mean(points, graded));
  }
}
