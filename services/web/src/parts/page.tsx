import type { ComponentChildren } from 'preact';
import { useEffect, useRef } from 'preact/hooks';

interface PageProps {
  readonly title: string;
  /** The id of the title element. */
  readonly id?: string;
  /** A link above the title. */
  readonly back?: { readonly href: string; readonly text: string };
  /** Whether the title is final; false: a number stands for the name until that is read. */
  readonly isNamed?: boolean;
  readonly children: ComponentChildren;
}

/** The frame of every page: its title gets the focus when the page is opened, so that screen readers read it out. */
export function Page({ title, id, back, isNamed = true, children }: PageProps) {
  const ref = useRef<HTMLHeadingElement>(null);
  const focusBefore = useRef<Element | null>(null);
  useEffect(() => {
    document.title = `${title} · PrepaData`;
  }, [title]);
  useEffect(() => {
    focusBefore.current = document.activeElement;
  }, []);
  useEffect(() => {
    // The title is read out only once, so it has to be the name. If the focus has moved on meanwhile, it stays there.
    if (isNamed && location.hash !== '' && document.activeElement === focusBefore.current)
      ref.current?.focus({ preventScroll: true });
  }, [isNamed]);
  return (
    <>
      {back !== undefined && (
        <p class="small back">
          <a href={back.href}>
            <bdi>{back.text}</bdi>
          </a>
        </p>
      )}
      <h1 ref={ref} id={id} tabIndex={-1}>
        <bdi>{title}</bdi>
      </h1>
      {children}
    </>
  );
}
