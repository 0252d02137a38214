import type { ClassWork } from '#libs/explain/class-work.ts';
import { get, isAway } from '../api/ask.ts';
import type { NameOf } from '../api/names.ts';
import { useAnswer } from '../api/use-answer.ts';
import { currentLanguage, longDay, number, t } from '../i18n/index.ts';
import { useKept } from '../parts/kept.ts';
import { Problem } from '../parts/problem.tsx';
import { Scroll } from '../parts/scroll.tsx';
import { usePrinting } from '../parts/use-printing.ts';
import { studentHref } from '../route.ts';

interface WorkProps {
  readonly course: number;
  readonly nameOf: NameOf;
}

/** How many pieces of work are shown before one asks for the older ones. */
const RECENT = 8;

/** What the course expects of everybody, and who has not handed it in. */
export function Work({ course, nameOf }: WorkProps) {
  const { data, error } = useAnswer(
    `work ${course}`,
    () => get<ClassWork>(`/api/metrics/course/${course}/work`),
    course,
  );
  const [isWhole, setWhole] = useKept(`work ${course}`, false);
  const isPrinting = usePrinting();
  // Where nothing can be read just now, as during an upgrade, the rest of the page says so if it concerns more than this.
  if (data === undefined) return error === undefined || isAway(error) ? null : <Problem error={error} />;
  if (data.length === 0) return null;
  const shown = isWhole || isPrinting ? data : data.slice(0, RECENT);
  return (
    <section>
      <h2>{t('work.title')}</h2>
      <p>{t('work.note')}</p>
      <Scroll label={t('work.title')}>
        <table>
          <thead>
            <tr>
              <th scope="col">{t('work.item')}</th>
              <th scope="col">{t('work.since')}</th>
              <th scope="col" class="number">
                {t('work.handedIn')}
              </th>
              <th scope="col">{t('work.missing')}</th>
            </tr>
          </thead>
          <tbody>
            {shown.map(({ source, item, expected_from, owed_by, missing }) => (
              <tr key={`${source} ${item}`}>
                <th scope="row">
                  <bdi>{item}</bdi>
                </th>
                <td>{longDay(expected_from)}</td>
                <td class="number">{t('work.of', { done: number(owed_by - missing.length), all: number(owed_by) })}</td>
                <td>
                  <Missing course={course} missing={missing} nameOf={nameOf} isOpen={isPrinting} />
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </Scroll>
      {data.length > shown.length && (
        <button type="button" class="act" onClick={() => setWhole(true)}>
          {t('work.older', { n: data.length - shown.length })}
        </button>
      )}
    </section>
  );
}

/** So few names need no click. */
const FEW = 3;

interface MissingProps extends WorkProps {
  readonly missing: ClassWork[number]['missing'];
  readonly isOpen: boolean;
}

function Missing({ course, missing, nameOf, isOpen }: MissingProps) {
  if (missing.length === 0) return <span class="muted">{t('whatIf.nobody')}</span>;
  const { compare } = new Intl.Collator(currentLanguage());
  const named = missing
    .map(({ student_id: student }) => ({ student, name: nameOf(student) }))
    .sort((a, b) => compare(a.name, b.name));
  const list = (
    <ul class="names">
      {named.map(({ student, name }) => (
        <li key={student}>
          <a href={studentHref(course, student)}>
            <bdi>{name}</bdi>
          </a>
        </li>
      ))}
    </ul>
  );
  if (named.length <= FEW) return list;
  return (
    <details open={isOpen}>
      <summary>{t('work.students', { n: named.length })}</summary>
      {list}
    </details>
  );
}
