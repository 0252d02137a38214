import { useEffect, useState } from 'preact/hooks';
import type { Freshness } from '#libs/serve/freshness.ts';
import type { Readiness } from '#libs/serve/health.ts';
import type { Operation, RoleHealth } from '#libs/serve/operation.ts';
import type { RejectedChange } from '#libs/serve/rejected.ts';
import { askSoon, get, Refusal } from '../api/ask.ts';
import { useAnswer } from '../api/use-answer.ts';
import { instantText, longDay, number, t, timeText, unitText } from '../i18n/index.ts';
import { Download } from '../parts/download.tsx';
import { useFreshness } from '../parts/freshness.tsx';
import { Page } from '../parts/page.tsx';
import { Problem } from '../parts/problem.tsx';
import { Said } from '../parts/said.tsx';
import { Scroll } from '../parts/scroll.tsx';
import { Flow, useOperation } from './flow.tsx';
import { Runs } from './runs.tsx';

/** The operator's page: whether all is well, and what needs attention. */
export function OpsPage() {
  const { freshness, error } = useFreshness();
  const operation = useOperation();
  return (
    <Page title={t('ops.title')}>
      <Problem error={error} />
      <Ready />
      {freshness === undefined ? (
        error === undefined && <p class="muted">{t('loading')}</p>
      ) : (
        <>
          {operation !== undefined && <Health operation={operation} />}
          <Roles freshness={freshness} />
          {operation !== undefined && <Flow operation={operation} />}
          <Streams freshness={freshness} />
          <Runs />
          <Rejected freshness={freshness} />
        </>
      )}
    </Page>
  );
}

const LOOK_MS = 5_000;

/** The verdict and, if it is bad, each reason, in the server's English. */
function Ready() {
  const [readiness, setReadiness] = useState<Readiness | undefined>();
  useEffect(() => {
    const look = (): void => {
      readReady().then(setReadiness, () => setReadiness(undefined));
    };
    look();
    const timer = setInterval(look, LOOK_MS);
    return () => clearInterval(timer);
  }, []);
  if (readiness === undefined) return null;
  const isReady = readiness.status === 'ready';
  return (
    <>
      <Said kind={isReady ? '' : 'notReady'} text={t(isReady ? 'ops.ready' : 'ops.notReady')} />
      {isReady ? (
        <p class="lead">{t('ops.ready')}</p>
      ) : (
        <div class="notice">
          <p class="lead">{t('ops.notReady')}</p>
          <ul lang="en" dir="ltr">
            {readiness.reasons.map((reason) => (
              <li key={reason}>{reason}</li>
            ))}
          </ul>
        </div>
      )}
    </>
  );
}

/** Here a 503 is an answer, too. */
async function readReady(): Promise<Readiness> {
  try {
    return await (await askSoon('/api/ready')).json();
  } catch (error) {
    if (error instanceof Refusal && error.body !== null && 'reasons' in error.body) return error.body as Readiness;
    throw error;
  }
}

/** One word for each role; its troubles are listed above. */
const Health = ({ operation: { roles } }: { readonly operation: Operation }) => (
  <section>
    <h2>{t('ops.health')}</h2>
    <dl class="facts">
      {roles.filter(isTold).map(({ role, health }) => (
        <Fact key={role} name={roleName(role)} value={t(`health.${health}`)} />
      ))}
    </dl>
  </section>
);

const roleName = (role: RoleHealth['role']): string =>
  role === 'connector' || role === 'reconcile' || role === 'api' ? t(`role.${role}`) : t(`family.${role}`);

/** Without Kafka there is no connector to show. */
const isTold = ({ role, health }: RoleHealth): boolean => role !== 'connector' || health !== 'unknown';

function Roles({ freshness: { roles, lag_ms, instances } }: { readonly freshness: Freshness }) {
  return (
    <section>
      <h2>{t('ops.roles')}</h2>
      <Scroll label={t('ops.roles')}>
        <table>
          <thead>
            <tr>
              <th scope="col">{t('ops.role')}</th>
              <th scope="col">{t('ops.processes')}</th>
              <th scope="col" class="number">
                {t('ops.lag')}
              </th>
              <th scope="col" class="number">
                {t('ops.waiting')}
              </th>
              <th scope="col" class="number">
                {t('ops.aside')}
              </th>
              <th scope="col" class="number">
                {t('ops.stale')}
              </th>
            </tr>
          </thead>
          <tbody>
            {(Object.keys(roles) as (keyof typeof roles)[]).map((role) => {
              const alive = instances.filter((instance) => instance.alive && instance.roles.includes(role));
              return (
                <tr key={role}>
                  <th scope="row">{t(`family.${role}`)}</th>
                  <td>
                    {alive.length === 0 ? (
                      <span class="alarm">{t('ops.none')}</span>
                    ) : (
                      alive.map(({ host, pid, heard_at }) => (
                        <div key={`${host} ${pid}`} class="small">
                          <bdi>{`${host} ${pid}`}</bdi> · {t('ops.heard', { time: timeText(heard_at) })}
                        </div>
                      ))
                    )}
                  </td>
                  <td class="number">{lag_ms[role] === null ? t('unknown') : number(lag_ms[role])}</td>
                  <td class="number">{number(roles[role].marks_waiting)}</td>
                  <td class="number">{number(roles[role].keys_set_aside)}</td>
                  <td class="number">{number(roles[role].as_of.stale_rows)}</td>
                </tr>
              );
            })}
          </tbody>
        </table>
      </Scroll>
      {instances
        .flatMap(({ troubles }) => troubles)
        .map((trouble) => (
          <p class="notice" key={trouble} lang="en" dir="ltr">
            {trouble}
          </p>
        ))}
    </section>
  );
}

const MEGABYTE = 1_000_000;
const megabytes = (bytes: number): string => unitText(bytes / MEGABYTE, 'megabyte', 1);

function Streams({ freshness: { streams, source, connectors, today } }: { readonly freshness: Freshness }) {
  return (
    <section>
      <h2>{t('ops.source')}</h2>
      <dl class="facts">
        {today !== null && <Fact name={t('ops.today')} value={longDay(today)} />}
        {source?.lag_bytes != null && <Fact name={t('ops.behind')} value={megabytes(source.lag_bytes)} />}
        {source?.slot != null && <Fact name={t('ops.retained')} value={megabytes(source.slot.retained_bytes)} />}
        {connectors.length > 0 && <Fact name={t('ops.connectors')} value={number(connectors.length)} />}
      </dl>
      <Scroll label={t('ops.source')}>
        <table>
          <thead>
            <tr>
              <th scope="col">{t('ops.stream')}</th>
              <th scope="col">{t('ops.phase')}</th>
              <th scope="col" class="number">
                {t('ops.applied')}
              </th>
              <th scope="col" class="number">
                {t('ops.committed')}
              </th>
            </tr>
          </thead>
          <tbody>
            {streams.map(({ stream, phase, applied, committed_at }) => (
              <tr key={stream}>
                <th scope="row">
                  <bdi>{stream}</bdi>
                </th>
                <td>{t(`phase.${phase}`)}</td>
                <td class="number">
                  <bdi>{applied}</bdi>
                </td>
                <td class="number">{committed_at === null ? '–' : instantText(committed_at)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </Scroll>
    </section>
  );
}

const Fact = ({ name, value }: { readonly name: string; readonly value: string }) => (
  <div>
    <dt>{name}</dt>
    <dd>
      <bdi>{value}</bdi>
    </dd>
  </div>
);

const SHOWN = 50;

function Rejected({ freshness: { rejected, rejected_waiting } }: { readonly freshness: Freshness }) {
  const { data, error } = useAnswer(`rejected ${rejected.total} ${rejected_waiting}`, () =>
    get<RejectedChange[]>(`/api/rejected?limit=${SHOWN}`),
  );
  return (
    <section>
      <h2>{t('ops.rejected')}</h2>
      <p>
        {t('ops.rejectedCount', { n: rejected_waiting, total: rejected.total })}{' '}
        {rejected_waiting > 0 && <Download path="/api/rejected?limit=1000" label={t('ops.rejected')} />}
      </p>
      <Problem error={error} />
      {data?.map((row) => (
        <details key={`${row.origin} ${row.position}`}>
          <summary lang="en" dir="ltr">
            {row.origin}: {row.reason} · {instantText(row.rejected_at)}
          </summary>
          <div lang="en" dir="ltr">
            <p>{row.meaning}</p>
            {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls has to be reached by the keyboard */}
            {row.payload !== null && <pre tabIndex={0}>{row.payload}</pre>}
          </div>
          {row.withheld === 'names' && <p class="muted">{t('ops.withheld')}</p>}
        </details>
      ))}
    </section>
  );
}
