import { useEffect, useRef, useState } from 'preact/hooks';

interface SaidProps {
  /** Of what kind it is; empty while all is well, of which nothing is said at first. */
  readonly kind: string;
  readonly text: string;
}

/** Says something to those who hear the page when its kind changes, and not each time that a number in it does. */
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
