import { t } from '../i18n/index.ts';
import type { Reason } from './reasons.ts';
import { Why } from './why.tsx';

interface ReasonListProps {
  readonly reasons: readonly Reason[];
  readonly course: number;
  readonly student: number;
}

/** A sentence for each reason; pressing it explains it. */
export const ReasonList = ({ reasons, course, student }: ReasonListProps) => (
  <ul>
    {reasons.map(({ reason, sentence }) => (
      <li key={reason}>
        <Why feature={reason} course={course} student={student} label={t(`flag.${reason}`)}>
          {sentence}
        </Why>
      </li>
    ))}
  </ul>
);
