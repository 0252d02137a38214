import { useEffect, useRef, useState } from 'preact/hooks';

interface SaidProps {
  /** The kind of message; empty while all is well, which is not announced at first. */
  readonly kind: string;
  readonly text: string;
}

/** Announces a text to screen readers when its kind changes, not each time a number in it does. */
export function Said({ kind, text }: SaidProps) {
  const [said, setSaid] = useState('');
  const before = useRef('');
  useEffect(() => {
    if (kind !== before.current) setSaid(text);
    before.current = kind;
  }, [kind]);
  return (
    <p class="spoken" role="status">
      {said}
    </p>
  );
}
