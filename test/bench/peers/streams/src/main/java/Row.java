import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;

/** What a source row says, the row given as the pump sends it: its columns parted by tabs, an empty one for null. */
record Row(String student, String course, Fact fact) {
  private static final ObjectMapper JSON = new ObjectMapper();

  /** @param more event id, state of a completion, or value and max of a grade */
  record Fact(String kind, String name, long at, String more) { }

  static Row parse(String line) {
    String[] c = line.split("\t", -1);
    return new Row(c[1], c[2], switch (c[0]) {
      case "enrollments" -> new Fact("enrolment", "", 0, "");
      case "grades" -> new Fact("grade", c[3], Long.parseLong(c[4]), c[5] + '/' + c[6]);
      default -> activity(c[3], c[4], Long.parseLong(c[5]), c[6]);
    });
  }

  private static Fact activity(String type, String resource, long at, String metadata) {
    try {
      JsonNode json = JSON.readTree(metadata.isEmpty() ? "{}" : metadata);
      if (type.equals("completion")) return new Fact(type, resource, at, json.path("state").asText());
      return new Fact(type, type.equals("login") ? "" : resource, at, json.path("event_id").asText(""));
    } catch (JsonProcessingException e) {
      throw new IllegalArgumentException(metadata, e);
    }
  }

  /** A student in a course. */
  String key() {
    return student + ' ' + course;
  }
}
