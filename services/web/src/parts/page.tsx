import type { ComponentChildren } from 'preact';
import { useEffect, useRef } from 'preact/hooks';

interface PageProps {
  readonly title: string;
  /** Of the title. */
  readonly id?: string;
  /** Above the title. */
  readonly back?: { readonly href: string; readonly text: string };
  /** Whether the title is the name already; false: a number stands for it until that is read. */
  readonly isNamed?: boolean;
  readonly children: ComponentChildren;
}

/** What every page has: its title, which gets the focus when one comes to it, so that it is read out. */
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
    // What is read out is read once: it has to be the name. Who has gone on meanwhile is left there.
    if (isNamed && location.hash !== '' && document.activeElement === focusBefore.current) ref.current?.focus();
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
