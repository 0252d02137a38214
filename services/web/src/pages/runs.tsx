import { useEffect, useRef, useState } from 'preact/hooks';
import type { z } from 'zod';
import type { AcceptedRun, RunAnswer, statusAnswer } from '#libs/serve/runs.ts';
import { get, post } from '../api/ask.ts';
import { instantText, listText, longDay, number, t } from '../i18n/index.ts';
import { Problem } from '../parts/problem.tsx';
import { Scroll } from '../parts/scroll.tsx';

const LOOK_MS = 2_000;

type Status = z.output<typeof statusAnswer>;

/** The last comparison with the source: its verdict or progress, and buttons to start or cancel one. */
export function Runs() {
  const [status, setStatus] = useState<Status | undefined>();
  const [error, setError] = useState<Error | undefined>();
  const [refusal, setRefusal] = useState<Error | undefined>();
  const start = useRef<HTMLButtonElement>(null);
  const look = (): void => {
    get<Status>('/api/pipeline/status').then((read) => {
      setStatus(read);
      setError(undefined);
    }, setError);
  };
  useEffect(() => {
    look();
    const timer = setInterval(look, LOOK_MS);
    return () => clearInterval(timer);
  }, []);
  const send = (path: string, body: object): void => {
    setRefusal(undefined);
    post<AcceptedRun>(path, body).then(look, setRefusal);
  };
  const run = status === undefined || status.status === 'none' ? undefined : status;
  const isActive = run !== undefined && (run.status === 'queued' || run.status === 'running');
  return (
    <section>
      <h2>{t('runs.title')}</h2>
      {status?.status === 'none' && <p>{t('runs.none')}</p>}
      {run !== undefined && <Run run={run} />}
      <Problem error={refusal ?? error} />
      <div class="tools">
        <button
          ref={start}
          type="button"
          class="act"
          // Not disabled: whoever has just pressed it would lose the focus.
          aria-disabled={isActive}
          onClick={() => isActive || send('/api/pipeline/trigger', { mode: 'reconcile' })}
        >
          {t('runs.start')}
        </button>
        {isActive && (
          <button
            type="button"
            class="act"
            onClick={() => {
              send('/api/pipeline/cancel', { run_id: run.run_id });
              // This button disappears when the run has ended.
              start.current?.focus();
            }}
          >
            {t('runs.cancel')}
          </button>
        )}
      </div>
    </section>
  );
}

function Run({ run }: { readonly run: RunAnswer }) {
  const { status, mode, requested_at, scope, dry_run, progress, reason, verdict, records_processed } = run;
  const limits = limitsOf(scope);
  return (
    <>
      <p role="status">
        {t(`mode.${mode}`)}, {instantText(requested_at)}: <strong>{t(`run.${status}`)}</strong>
        {records_processed !== null && ` · ${t('runs.compared', { n: records_processed })}`}
      </p>
      {limits.length > 0 && <p>{t('runs.limits', { what: listText(limits) })}</p>}
      {dry_run && <p>{t('runs.dry')}</p>}
      {progress !== null && verdict === null && (
        <p>
          <bdi>{progress.phase}</bdi>{' '}
          {progress.total !== null && (
            <progress max={Math.max(1, progress.total)} value={progress.done} aria-label={progress.phase} />
          )}{' '}
          {number(progress.done)}
        </p>
      )}
      {reason !== null && (
        <p class="notice" lang="en" dir="ltr">
          {reason}
        </p>
      )}
      {verdict !== null && <Verdict verdict={verdict} />}
    </>
  );
}

/** What a run is limited to; empty if it covers everything. */
const limitsOf = ({ course_id, student_id, from, to }: RunAnswer['scope']): string[] => [
  ...(course_id === undefined ? [] : [t('course.pseudonym', { id: String(course_id) })]),
  ...(student_id === undefined ? [] : [t('student.pseudonym', { id: String(student_id) })]),
  ...(from === undefined ? [] : [t('runs.from', { day: longDay(from) })]),
  ...(to === undefined ? [] : [t('runs.to', { day: longDay(to) })]),
];

function Verdict({ verdict }: { readonly verdict: NonNullable<RunAnswer['verdict']> }) {
  const rows = [...Object.entries(verdict.tables), ...Object.entries(verdict.features)];
  const sum = (pick: (tally: (typeof rows)[number][1]) => number): number =>
    rows.reduce((all, [, tally]) => all + pick(tally), 0);
  const different = sum(({ mismatched, missing, extra }) => mismatched + missing + extra);
  const shown = rows.filter(([, { mismatched, missing, extra }]) => mismatched + missing + extra > 0);
  return (
    <>
      <p>
        {different === 0
          ? t('runs.equal', { n: sum(({ equal }) => equal) })
          : t('runs.different', { n: different, repaired: sum(({ repaired }) => repaired) })}
      </p>
      {shown.length > 0 && (
        <Scroll label={t('runs.title')}>
          <table>
            <thead>
              <tr>
                <th scope="col">{t('runs.what')}</th>
                {(['equal', 'mismatched', 'missing', 'extra', 'repaired'] as const).map((kind) => (
                  <th key={kind} scope="col" class="number">
                    {t(`tally.${kind}`)}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {shown.map(([name, tally]) => (
                <tr key={name}>
                  <th scope="row">
                    <bdi>{name}</bdi>
                  </th>
                  {(['equal', 'mismatched', 'missing', 'extra', 'repaired'] as const).map((kind) => (
                    <td key={kind} class="number">
                      {number(tally[kind])}
                    </td>
                  ))}
                </tr>
              ))}
            </tbody>
          </table>
        </Scroll>
      )}
    </>
  );
}
