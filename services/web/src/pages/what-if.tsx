import { useRef, useState } from 'preact/hooks';
import type { WhatIf } from '#libs/explain/what-if.ts';
import { Refusal } from '../api/ask.ts';
import type { NameOf } from '../api/names.ts';
import { useWhatIf, type WhatIfAnswered } from '../api/use-what-if.ts';
import { number, t } from '../i18n/index.ts';
import { Problem } from '../parts/problem.tsx';
import { WhatIfDays } from './what-if-days.tsx';

interface WhatIfProps {
  readonly course: number;
  readonly nameOf: NameOf;
}

type Setting = WhatIf['settings'][number];
type Parameter = Setting['parameter'];
/** Settings as typed; only those that were changed. */
type Asked = Readonly<Partial<Record<Parameter, string>>>;

/** Who would be on the list under other settings. Judging a class is expensive, so it is only done when this is opened. */
export function WhatIfPanel(props: WhatIfProps) {
  const [isOpen, setOpen] = useState(false);
  const title = useRef<HTMLHeadingElement>(null);
  const open = (): void => {
    setOpen(true);
    // The button disappears, and the focus would be lost with it.
    title.current?.focus();
  };
  return (
    <section class="what-if">
      <h2 ref={title} tabIndex={-1}>
        {t('whatIf.title')}
      </h2>
      <p>{t('whatIf.note')}</p>
      {isOpen ? (
        <Opened {...props} />
      ) : (
        <button type="button" class="act" onClick={open}>
          {t('whatIf.open')}
        </button>
      )}
    </section>
  );
}

function Opened({ course, nameOf }: WhatIfProps) {
  const [asked, setAsked] = useState<Asked>({});
  const query = new URLSearchParams({ course_id: String(course), ...asked });
  const answered = useWhatIf(`/api/what-if?${query}`);
  const { data, error, isAsking } = answered;
  const refused = refusedOf(answered);
  return (
    <>
      {data === undefined && isAsking && <p class="muted">{t('loading')}</p>}
      {refused === null && <Problem error={error} />}
      {data !== undefined && (
        <>
          <div class="tools settings">
            {data.settings.map((setting) => (
              <Control
                key={setting.parameter}
                setting={setting}
                typed={asked[setting.parameter]}
                refusal={refused?.parameter === setting.parameter ? refused.words : null}
                set={(value) => setAsked((old) => ({ ...old, [setting.parameter]: value }))}
              />
            ))}
            <button type="button" class="act" onClick={() => setAsked({})}>
              {t('whatIf.reset')}
            </button>
          </div>
          <p class="muted small" role="status">
            {isAsking ? t('whatIf.asking') : refused === null ? t('whatIf.done') : t('whatIf.refused')}
          </p>
          {refused === null && <ToChange changes={data.to_change} />}
          {refused === null && <WhatIfDays course={course} days={data.days} nameOf={nameOf} />}
        </>
      )}
    </>
  );
}

interface ControlProps {
  readonly setting: Setting;
  readonly typed: string | undefined;
  /** Why the server refuses it, in words. */
  readonly refusal: string | null;
  set(value: string): void;
}

/** A setting with more steps gets a text field instead of a slider. */
const MOST_STEPS = 100;

function Control({ setting: { parameter, now, least, most }, typed, refusal, set }: ControlProps) {
  const value = typed ?? String(now);
  const id = `refusal-${parameter}`;
  const isMoved = most <= MOST_STEPS;
  return (
    <div class="control">
      <label>
        {t(`whatIf.${parameter}`)}
        <span class="setting">
          <input
            type={isMoved ? 'range' : 'number'}
            min={least}
            max={most}
            value={value}
            aria-invalid={refusal !== null}
            aria-describedby={id}
            onInput={({ currentTarget }) => set(currentTarget.value)}
          />
          {isMoved && <output>{number(Number(value))}</output>}
        </span>
      </label>
      <p id={id} class="small">
        {refusal === null ? (
          <span class="muted">{t('whatIf.now', { now })}</span>
        ) : (
          <span class="alarm">{refusal}</span>
        )}
      </p>
    </div>
  );
}

/** The parameter that the server refuses, and why. */
function refusedOf({ data, error }: WhatIfAnswered): { readonly parameter: Parameter; readonly words: string } | null {
  if (!(error instanceof Refusal) || error.status !== 400) return null;
  const { message } = error;
  const places = (data?.settings ?? []).flatMap(({ parameter }) => {
    const at = message.indexOf(parameter);
    return at < 0 ? [] : [{ parameter, at }];
  });
  const [first] = places.sort((a, b) => a.at - b.at);
  if (first === undefined) return null;
  // If the message names two, they contradict each other.
  const words = places.length > 1 ? t('whatIf.closesMore') : t('whatIf.outside');
  return { parameter: first.parameter, words };
}

function ToChange({ changes }: { readonly changes: readonly string[] }) {
  if (changes.length === 0) return <p>{t('whatIf.same')}</p>;
  return (
    <>
      <p>{t('whatIf.toChange')}</p>
      <pre dir="ltr">{changes.join('\n')}</pre>
      <p class="small muted">{t('whatIf.where')}</p>
    </>
  );
}
