import { type ComponentType, render } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { Unreachable } from './api/ask.ts';
import {
  chooseLanguage,
  currentLanguage,
  currentTimeZone,
  LANGUAGES,
  type Language,
  preferredLanguage,
  t,
  useMessagesOf,
  useTimeZone,
} from './i18n/index.ts';
import { CoursePage } from './pages/course.tsx';
import { CoursesPage } from './pages/courses.tsx';
import { StudentPage } from './pages/student.tsx';
import { FreshnessLine } from './parts/freshness.tsx';
import { Problem } from './parts/problem.tsx';
import { usePlace } from './route.ts';

function App() {
  const [language, setLanguage] = useState(currentLanguage());
  const [zone, setZone] = useState(currentTimeZone());
  const [today, setToday] = useState<string | null | undefined>();
  const showTimesOf = (name: string): void => {
    useTimeZone(name);
    setZone(currentTimeZone());
  };
  // If the language file is gone, the page is from an older version, so it is loaded again.
  const choose = (chosen: Language): Promise<void> =>
    chooseLanguage(chosen).then(
      () => setLanguage(chosen),
      () => location.reload(),
    );
  return (
    <>
      <button type="button" class="skip" onClick={() => document.getElementById('main')?.focus()}>
        {t('skip')}
      </button>
      <Top choose={choose} />
      <aside aria-label={t('fresh.label')} key={`fresh ${language}`}>
        <FreshnessLine onTimeZone={showTimesOf} onToday={setToday} />
      </aside>
      <Content id="main" tabIndex={-1} key={`${language} ${zone}`}>
        {Operator === undefined ? <TeachersPage today={today} /> : <Later load={Operator} />}
      </Content>
    </>
  );
}

/** Pages that teachers seldom need; fetched when they are opened. */
const LATER: Readonly<Record<string, () => Promise<ComponentType>>> = {
  '/ops': async () => (await import('./pages/ops.tsx')).OpsPage,
  '/docs': async () => (await import('./pages/docs.tsx')).DocsPage,
};
/** The library behind /docs has a main element of its own. */
const Content = location.pathname === '/docs' ? 'div' : 'main';
const Operator = LATER[location.pathname];

function Later({ load }: { load(): Promise<ComponentType> }) {
  const [Loaded, setLoaded] = useState<ComponentType | undefined>();
  const [isFailed, setFailed] = useState(false);
  useEffect(() => {
    load().then(
      (component) => setLoaded(() => component),
      () => setFailed(true),
    );
  }, [load]);
  if (isFailed) return <Problem error={new Unreachable()} />;
  return Loaded === undefined ? <p class="muted">{t('loading')}</p> : <Loaded />;
}

function Top({ choose }: { choose(language: Language): Promise<void> }) {
  const link = (href: string, text: string, isHere: boolean) => (
    <a href={href} {...(isHere ? { 'aria-current': 'page' as const } : {})}>
      {text}
    </a>
  );
  const path = location.pathname;
  return (
    <header class="top">
      <span class="brand">PrepaData</span>
      <nav aria-label={t('nav.label')}>
        {link('/#/', t('nav.courses'), path === '/')} · {link('/ops', t('nav.ops'), path === '/ops')} ·{' '}
        {link('/docs', t('nav.docs'), path === '/docs')}
      </nav>
      <label class="small">
        {t('nav.language')}{' '}
        <select
          value={currentLanguage()}
          onChange={({ currentTarget }) => void choose(currentTarget.value as Language)}
        >
          {Object.entries(LANGUAGES).map(([code, name]) => (
            <option key={code} value={code} lang={code}>
              {name}
            </option>
          ))}
        </select>
      </label>
    </header>
  );
}

/** @param today at the institution; undefined until it is known, null if the server does not say */
function TeachersPage({ today }: { readonly today: string | null | undefined }) {
  const { page, course, student } = usePlace();
  // Otherwise a course that is over would be shown as running at first, and rows would then move under the pointer.
  if (today === undefined) return <p class="muted">{t('loading')}</p>;
  if (page === 'course') return <CoursePage key={course} course={course} today={today} />;
  if (page === 'student')
    return <StudentPage key={`${course} ${student}`} course={course} student={student} today={today} />;
  return <CoursesPage today={today} />;
}

await useMessagesOf(preferredLanguage());
const place = document.getElementById('page');
if (place !== null) render(<App />, place);
