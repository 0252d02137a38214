import type { ComponentChildren } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { t } from '../i18n/index.ts';

interface WhyButtonProps {
  /** What the panel is about, for people who cannot see the button's place. */
  readonly label: string;
  readonly children: ComponentChildren;
  /** The content of the panel; called when it opens. */
  panel(): ComponentChildren;
}

/** A number that explains itself when it is pressed. */
export function WhyButton(props: WhyButtonProps) {
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

/** The browser's own dialog: Escape closes it, and the focus returns to the number. */
function WhyDialog({ label, children, panel, close }: WhyButtonProps & { close(): void }) {
  const ref = useRef<HTMLDialogElement>(null);
  useEffect(() => ref.current?.showModal(), []);
  return (
    <dialog ref={ref} class="why" onClose={close} aria-label={t('why.title', { what: label })}>
      <header>
        <h2>{t('why.title', { what: label })}</h2>
        <button type="button" class="act" onClick={() => ref.current?.close()}>
          {t('why.close')}
        </button>
      </header>
      <p class="lead">{children}</p>
      {panel()}
    </dialog>
  );
}

/** The text to press where there is no number, as beside a chart. */
export const Ask = () => <span class="ask">{t('why.ask')}</span>;

interface WhyTotalProps {
  readonly label: string;
  /** What the number means, and over what it is counted. */
  readonly sentences: readonly string[];
  readonly children: ComponentChildren;
}

/** A number about a whole class: what it means, and over whom it is counted. */
export const WhyTotal = ({ label, sentences, children }: WhyTotalProps) => (
  <WhyButton
    label={label}
    panel={() =>
      sentences.map((sentence) => (
        <p key={sentence} class="total">
          {sentence}
        </p>
      ))
    }
  >
    {children}
  </WhyButton>
);
