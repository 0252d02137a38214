import type { ComponentChildren, Ref } from 'preact';

interface ScrollProps {
  readonly label: string;
  readonly at?: Ref<HTMLElement>;
  readonly children: ComponentChildren;
}

/** For content that may be wider than the screen: it scrolls on its own, also by keyboard. */
export const Scroll = ({ label, at, children }: ScrollProps) => (
  // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls has to be reached by the keyboard
  <section ref={at ?? null} class="wide" tabIndex={0} aria-label={label}>
    {children}
  </section>
);
