import type { ComponentChildren } from 'preact';
import type { Explanation } from '#libs/explain/index.ts';
import { get, Refusal } from '../api/ask.ts';
import { useAnswer } from '../api/use-answer.ts';
import { longDay, t, word } from '../i18n/index.ts';
import { cellText } from './cell-text.ts';
import { ExplainedParts } from './explained-parts.tsx';
import { ExplainedRows, RowsLeftOut } from './explained-rows.tsx';
import { Problem } from './problem.tsx';
import { WhyButton } from './why-button.tsx';

interface Column {
  /** The feature column. */
  readonly feature: string;
  readonly course: number;
  readonly student: number;
}

interface WhyProps extends Column {
  readonly label: string;
  readonly children: ComponentChildren;
}

/** A number of one student, explained from the rows of the learning platform. */
export const Why = ({ label, children, ...column }: WhyProps) => (
  <WhyButton label={label} panel={() => <WhyPanel {...column} />}>
    {children}
  </WhyButton>
);

function WhyPanel({ feature, course, student }: Column) {
  const path = `/api/explain/${student}/${course}/${feature}`;
  const { data, error } = useAnswer(path, () => get<Explanation>(path), course);
  const isGone = error instanceof Refusal && error.status === 404;
  return (
    <>
      {/* Screen readers announce what the number means. The rest is to be read at leisure, and may be hundreds of rows. */}
      <div aria-live="polite">
        {isGone ? <p>{t('why.none')}</p> : <Problem error={error} />}
        {data === undefined && error === undefined && <p class="muted">{t('why.reading')}</p>}
        {data !== undefined && !isGone && <Meaning feature={feature} explanation={data} />}
      </div>
      {data !== undefined && !isGone && <Explained explanation={data} />}
    </>
  );
}

interface ExplainedProps {
  readonly explanation: Explanation;
}

function Meaning({ feature, explanation }: ExplainedProps & { readonly feature: string }) {
  const { as_of, value, definition } = explanation;
  return (
    <>
      <p>{word(`meaning.${feature}`, definition.formula)}</p>
      <p class="small muted">{t('course.asOf', { day: longDay(as_of) })}</p>
      {value === null && <p>{definition.table === 'anomaly_features' ? t('why.notOpen') : t('why.unknown')}</p>}
    </>
  );
}

function Explained({ explanation }: ExplainedProps) {
  const { definition, parts, rows, left_out, would_change } = explanation;
  return (
    <>
      <ExplainedParts parts={parts} />
      <WouldChange changes={would_change} />
      <ExplainedRows rows={rows} />
      <RowsLeftOut rows={left_out} />
      <details>
        <summary>{t('why.exactly')}</summary>
        <p class="small" lang="en" dir="ltr">
          {definition.formula}
        </p>
      </details>
    </>
  );
}

const placesOf = ({ values }: Explanation['would_change'][number]) =>
  Object.fromEntries(
    Object.entries(values).map(([name, value]) => [name, name === 'n' ? value : cellText(name, value)]),
  );

function WouldChange({ changes }: { readonly changes: Explanation['would_change'] }) {
  if (changes.length === 0) return null;
  return (
    <section>
      <h3>{t('why.change')}</h3>
      <ul>
        {changes.map((each) => (
          <li key={`${each.change} ${each.effect}`}>
            {t(`change.${each.change_code}`, placesOf(each))}
            {t('colon')} <strong>{t(`effect.${each.effect_code}`, placesOf(each))}</strong>
          </li>
        ))}
      </ul>
    </section>
  );
}
