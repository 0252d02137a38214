import type { ComponentChildren } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import type { z } from 'zod';
import type { catalogueAnswer } from '#libs/serve/catalogue/index.ts';
import { get } from '../api/ask.ts';
import { useAnswer } from '../api/use-answer.ts';
import { t } from '../i18n/index.ts';
import { Problem } from './problem.tsx';

interface WhyProps {
  /** The column. */
  readonly feature: string;
  readonly course: number;
  readonly student: number;
  /** What is asked about, for who cannot see where it stands. */
  readonly label: string;
  readonly children: ComponentChildren;
}

/** A number that says why it is what it is, when it is pressed. */
export function Why(props: WhyProps) {
  const [isOpen, setOpen] = useState(false);
  return (
    <>
      <button
        type="button"
        class="why"
        aria-haspopup="dialog"
        title={t('why.title', { what: props.label })}
        onClick={() => setOpen(true)}
      >
        {props.children}
      </button>
      {isOpen && <WhyDialog {...props} close={() => setOpen(false)} />}
    </>
  );
}

function WhyDialog({ feature, label, children, close }: WhyProps & { close(): void }) {
  const ref = useRef<HTMLDialogElement>(null);
  useEffect(() => ref.current?.showModal(), []);
  const { data, error } = useAnswer('features', () => get<z.output<typeof catalogueAnswer>>('/features'));
  const entry = data?.find(({ name }) => name === feature);
  return (
    <dialog ref={ref} onClose={close} aria-labelledby="why">
      <h2 id="why">{t('why.title', { what: label })}</h2>
      <p class="lead">{children}</p>
      <Problem error={error} />
      {entry !== undefined && (
        <div lang="en" dir="ltr">
          <p>{entry.formula}</p>
        </div>
      )}
      <button type="button" class="act" onClick={() => ref.current?.close()}>
        {t('why.close')}
      </button>
    </dialog>
  );
}
