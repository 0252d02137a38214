import java.util.Properties;
import org.apache.kafka.common.serialization.Serde;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.CloseOptions;
import org.apache.kafka.streams.CloseOptions.GroupMembershipOperation;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.KeyValue;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.errors.StreamsUncaughtExceptionHandler.StreamThreadExceptionResponse;
import org.apache.kafka.streams.kstream.Consumed;
import org.apache.kafka.streams.kstream.Grouped;
import org.apache.kafka.streams.kstream.KTable;
import org.apache.kafka.streams.kstream.Materialized;
import org.apache.kafka.streams.kstream.Produced;

/**
 * Rows by their id to features by student and course. Arguments: variant, topic of the changes, topic of the features, today
 * (days since 1970), then settings of Kafka Streams as name=value.
 *
 * "careful" keeps every row by its id, so that a change or deletion that names the id alone takes back what the row said.
 * "no-old-rows" keeps none: with the default replica identity nothing tells it what to take back. "rows" counts rows.
 */
final class Job {
  private static final Serde<String> TEXT = Serdes.String();
  private static final Serde<Facts> FACTS =
      Serdes.serdeFrom((topic, facts) -> facts == null ? null : facts.write(), (topic, bytes) -> Facts.read(bytes));

  public static void main(String[] args) {
    boolean countsRows = args[0].equals("rows");
    long today = Long.parseLong(args[3]);
    var settings = new Properties();
    for (int i = 4; i < args.length; i++) {
      String[] setting = args[i].split("=", 2);
      settings.put(setting[0], setting[1]);
    }
    var builder = new StreamsBuilder();
    (args[0].equals("careful") ? careful(builder, args[1]) : withoutOldRows(builder, args[1]))
        .toStream()
        .mapValues(facts -> (countsRows ? facts.featuresOfRows(today) : facts.features(today)).line())
        .to(args[2], Produced.with(TEXT, TEXT));
    run(new KafkaStreams(builder.build(settings), settings));
  }

  private static KTable<String, Facts> careful(StreamsBuilder builder, String topic) {
    return builder.table(topic, Consumed.with(TEXT, TEXT), Materialized.as("rows"))
        .groupBy((id, row) -> KeyValue.pair(Row.parse(row).key(), row), Grouped.with("by-key", TEXT, TEXT))
        .aggregate(Facts::new, (key, row, facts) -> facts.add(row), (key, row, facts) -> facts.subtract(row),
            Materialized.with(TEXT, FACTS));
  }

  private static KTable<String, Facts> withoutOldRows(StreamsBuilder builder, String topic) {
    return builder.stream(topic, Consumed.with(TEXT, TEXT))
        .filter((id, row) -> row != null)
        .groupBy((id, row) -> Row.parse(row).key(), Grouped.with("by-key", TEXT, TEXT))
        .aggregate(Facts::new, (key, row, facts) -> facts.add(row), Materialized.with(TEXT, FACTS));
  }

  /** Says that it is ready, and goes on until it is asked to end. */
  private static void run(KafkaStreams streams) {
    streams.setUncaughtExceptionHandler(error -> {
      error.printStackTrace();
      return StreamThreadExceptionResponse.SHUTDOWN_CLIENT;
    });
    streams.setStateListener((now, before) -> {
      if (now == KafkaStreams.State.RUNNING) System.out.println("ready");
      if (now == KafkaStreams.State.ERROR) Runtime.getRuntime().halt(1);
    });
    // It says good-bye: else whoever comes next under this name waits for its place to expire, which takes 45 seconds.
    CloseOptions leaving = CloseOptions.groupMembershipOperation(GroupMembershipOperation.LEAVE_GROUP);
    Runtime.getRuntime().addShutdownHook(new Thread(() -> streams.close(leaving)));
    streams.start();
  }
}
