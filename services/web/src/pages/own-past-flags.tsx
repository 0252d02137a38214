import type { OwnPastFlagName } from '#libs/domain/flags.ts';
import type { StudentMetrics } from '#libs/serve/student-metrics.ts';
import { dayText, listText, orDash, t } from '../i18n/index.ts';
import { isAnyJudged } from '../parts/reasons.ts';
import { Scroll } from '../parts/scroll.tsx';
import { Why } from '../parts/why.tsx';

const FLAGS: readonly OwnPastFlagName[] = [
  'engagement_drop',
  'engagement_spike',
  'grade_drop',
  'grade_outlier',
  'grade_spike',
  'inactivity',
];

const COLUMNS = ['value', 'baseline', 'threshold'] as const;

/** What is unusual for the student: the value, what is usual, and the threshold. */
export function OwnPastFlags({ row }: { readonly row: StudentMetrics }) {
  const open = FLAGS.flatMap((name) => {
    const flag = row[name];
    return flag === null ? [] : [{ name, flag }];
  });
  const unknown = row.unsupported ?? [];
  return (
    <section>
      <h2 id="flags">{t('flags.title')}</h2>
      <p class="muted small">{t('flags.note')}</p>
      {open.length === 0 ? (
        <p>{isAnyJudged(row, FLAGS) ? t('flags.none') : t('flags.notJudged')}</p>
      ) : (
        <Scroll label={t('flags.title')}>
          <table>
            <thead>
              <tr>
                <th scope="col">{t('flags.flag')}</th>
                <th scope="col">{t('flags.since')}</th>
                {COLUMNS.map((column) => (
                  <th key={column} scope="col" class="number">
                    {t(`flags.${column}`)}
                  </th>
                ))}
                <th scope="col">{t('flags.severity')}</th>
              </tr>
            </thead>
            <tbody>
              {open.map(({ name, flag }) => (
                <tr key={name}>
                  <th scope="row">
                    {t(`flag.${name}`)} {flag.item !== undefined && <bdi class="muted small">{flag.item}</bdi>}
                  </th>
                  <td>{dayText(flag.since)}</td>
                  {[flag.value, flag.baseline, flag.threshold].map((value, index) => (
                    <td key={COLUMNS[index]} class="number">
                      <Why feature={name} course={row.course_id} student={row.student_id} label={t(`flag.${name}`)}>
                        {orDash(value, 1)}
                      </Why>
                    </td>
                  ))}
                  <td>{t(`severity.${flag.severity}`)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </Scroll>
      )}
      {unknown.length > 0 && (
        <p class="small muted">
          {t('flags.unsupported', { flags: listText(unknown.map((name) => t(`flag.${name as OwnPastFlagName}`))) })}
        </p>
      )}
    </section>
  );
}
