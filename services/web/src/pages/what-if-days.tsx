import type { WhatIf } from '#libs/explain/what-if.ts';
import type { NameOf } from '../api/names.ts';
import { longDay, orDash, t } from '../i18n/index.ts';
import { Scroll } from '../parts/scroll.tsx';
import { studentHref } from '../route.ts';

interface WhatIfDaysProps {
  readonly course: number;
  readonly days: WhatIf['days'];
  readonly nameOf: NameOf;
}

/** Today and each of the past four weeks: who would be added to the list, and who would leave it. */
export const WhatIfDays = ({ course, days, nameOf }: WhatIfDaysProps) => (
  <Scroll label={t('whatIf.title')}>
    <table>
      <thead>
        <tr>
          <th scope="col">{t('chart.day')}</th>
          <th scope="col" class="number">
            {t('whatIf.onList')}
          </th>
          <th scope="col" class="number">
            {t('whatIf.wouldBe')}
          </th>
          <th scope="col">{t('whatIf.enter')}</th>
          <th scope="col">{t('whatIf.leave')}</th>
        </tr>
      </thead>
      <tbody>
        {days.map(({ day, attention_now, attention_then, enter, leave }) => (
          <tr key={day}>
            <th scope="row">{longDay(day)}</th>
            <td class="number">{orDash(attention_now)}</td>
            <td class="number">{orDash(attention_then)}</td>
            {[enter, leave].map((moved, index) => (
              <td key={index === 0 ? 'enter' : 'leave'}>
                <Moved course={course} moved={moved} nameOf={nameOf} />
              </td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  </Scroll>
);

/** How many students are named; of the others only the number is shown. */
const NAMED = 12;

type MovedStudents = WhatIf['days'][number]['enter'];

function Moved({
  course,
  moved,
  nameOf,
}: Pick<WhatIfDaysProps, 'course' | 'nameOf'> & { readonly moved: MovedStudents }) {
  if (moved.length === 0) return <span class="muted">{t('whatIf.nobody')}</span>;
  return (
    <ul class="names">
      {moved.slice(0, NAMED).map(({ student_id, points_now, points_then }) => (
        <li key={student_id} class="moved">
          <a href={studentHref(course, student_id)}>
            <bdi>{nameOf(student_id)}</bdi>
          </a>{' '}
          <span class="muted small">
            {points_now === points_then
              ? t('whatIf.points', { n: points_now })
              : t('whatIf.pointsMove', { from: points_now, n: points_then })}
          </span>
        </li>
      ))}
      {moved.length > NAMED && <li class="muted">{t('whatIf.more', { n: moved.length - NAMED })}</li>}
    </ul>
  );
}
