import type { ComponentChildren } from 'preact';

/** What may be wider than the screen: it scrolls by itself, also by the keyboard. */
export const Scroll = ({ label, children }: { readonly label: string; readonly children: ComponentChildren }) => (
  // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls has to be reached by the keyboard
  <section class="wide" tabIndex={0} aria-label={label}>
    {children}
  </section>
);
