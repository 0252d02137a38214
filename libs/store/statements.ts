import { readFileSync } from 'node:fs';
import { loadStatements, type SqlStatement } from '#libs/platform/postgres/database.ts';

const FOLDER = new URL('./sql/', import.meta.url);

export const sql = loadStatements(FOLDER, [
  'calendar_advance',
  'calendar_begin',
  'calendar_hold',
  'calendar_share',
  'calendar_today',
  'connector_put',
  'connector_read',
  'connector_remove',
  'course_mark_keys',
  'course_marks_add',
  'course_marks_take',
  'course_update',
  'courses_add',
  'courses_claim',
  'courses_next',
  'courses_read',
  'epoch_begin',
  'epoch_newest',
  'floor_raise',
  'floors',
  'gap_close',
  'gap_note',
  'gaps_clear',
  'identity_add_courses',
  'identity_add_students',
  'identity_find',
  'instance_forget',
  'instance_leave',
  'instance_report',
  'key_marks_take',
  'keys_add',
  'keys_claim',
  'keys_first_days',
  'keys_mark_all',
  'keys_next',
  'keys_update',
  'marks_add',
  'moves_forget',
  'moves_pair',
  'moves_read',
  'notify',
  'outbox_complete_topic',
  'outbox_forget_topic',
  'outbox_lock',
  'outbox_lock_keys',
  'outbox_plan',
  'outbox_put',
  'outbox_put_back',
  'outbox_sent',
  'outbox_topic_complete',
  'outbox_waiting',
  'partitions_add',
  'partitions_advance',
  'partitions_read',
  'progress_advance',
  'progress_read',
  'rejected_clear',
  'rejected_clear_below',
  'rejected_put',
  'rejected_readable',
  'rollover_mark_courses',
  'rollover_mark_keys',
  'run_cancel',
  'run_claim',
  'run_dead',
  'run_end',
  'run_find',
  'run_guard',
  'run_release',
  'run_renew',
  'run_request',
  'run_since',
  'rows_activity_logs',
  'rows_enrollments',
  'rows_grades',
  'schedule_since',
  'settings_adopt',
  'settings_read',
  'stored_days',
  'stream_gap_read',
  'table_locks',
]);

/**
 * A statement that is the same for several tables but for its column lists: the file with its `{{holes}}` filled.
 * @param use names the filled statement apart from its siblings
 * @throws Error when the file has a hole that is not given
 */
export function fillTemplate(name: string, use: string, holes: Readonly<Record<string, string>>): SqlStatement {
  const text = readFileSync(new URL(`${name}.template.sql`, FOLDER), 'utf8').replaceAll(
    /\{\{(\w+)\}\}/g,
    (_, hole: string) => {
      const filling = holes[hole];
      if (filling === undefined) throw new Error(`${name}.template.sql has a hole {{${hole}}} that nothing fills`);
      return filling;
    },
  );
  return { name: `store/${name}/${use}`, text };
}
