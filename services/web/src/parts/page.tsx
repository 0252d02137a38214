import type { ComponentChildren } from 'preact';
import { useEffect, useRef } from 'preact/hooks';

interface PageProps {
  readonly title: string;
  /** Of the title. */
  readonly id?: string;
  /** Above the title. */
  readonly back?: { readonly href: string; readonly text: string };
  readonly children: ComponentChildren;
}

/** What every page has: its title, which gets the focus when one comes to it, so that it is read out. */
export function Page({ title, id, back, children }: PageProps) {
  const ref = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    document.title = `${title} · PrepaData`;
  }, [title]);
  useEffect(() => {
    if (location.hash !== '') ref.current?.focus();
  }, []);
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
