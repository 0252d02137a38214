import type { EngagementFacts } from '#libs/aggregate/engagement.ts';
import type { LocalDay } from '#libs/domain/local-date.ts';
import type { HandedIn } from './member.ts';

/** The items that were submitted, then those completed, each with its first day; within a source in order of day and item. */
export function handedInOf({ events, completions }: EngagementFacts): HandedIn[] {
  const submitted = new Map<string, LocalDay>();
  // Events are in order of their days.
  for (const { type, resource, day } of events)
    if ((type === 'submission' || type === 'quiz_attempt') && resource !== null && !submitted.has(resource))
      submitted.set(resource, day);
  return [...inOrder('submission', submitted), ...inOrder('completion', completions.firstDone)];
}

const inOrder = (source: HandedIn['source'], items: ReadonlyMap<string, LocalDay>): HandedIn[] =>
  [...items].map(([item, day]) => ({ source, item, day })).sort((a, b) => a.day - b.day || (a.item < b.item ? -1 : 1));
