/** Why a row contributes nothing. Codes are stable: they are served, counted and stored. */
export const REJECTION_REASONS = {
  no_student: 'student_id is null',
  no_course: 'course_id is null',
  no_time: 'the time is missing: null, infinite, before 2000 or from 2200 on',
  no_item: 'grade_item is blank',
  not_utf8: 'grade_item, activity_type, resource_id or metadata.event_id holds bytes that are no UTF-8',
  bad_max: 'grade_max is null, not a number, not finite or not above 0',
  bad_value: 'grade_value is not a number, not finite or below 0',
  number_too_large: 'a number is beyond its column',
  bad_duration: 'duration_seconds is below 0 or not a whole number',
  completion_without_resource: 'a completion names no resource',
  bad_completion_state: 'metadata.state of a completion is not one of 0, 1, 2, 3',
  undecodable: 'the bytes of a record could not be read by the schema they name',
  malformed_record: 'a record could be read, but is no change of a row of its table',
  internal_error: 'an error of ours: the row, or the features of the student in the course, could not be processed',
} as const;

export type RejectionReason = keyof typeof REJECTION_REASONS;

export interface Rejected {
  readonly rejected: RejectionReason;
}

export const rejected = (reason: RejectionReason): Rejected => ({ rejected: reason });

/** A reading that throws is an error of ours, but concerns one row, which is rejected like an unreadable one. */
export function readOrReject<O extends object>(read: () => O | Rejected): O | Rejected {
  try {
    return read();
  } catch {
    return rejected('internal_error');
  }
}

export const isRejected = (reading: object): reading is Rejected => 'rejected' in reading;
