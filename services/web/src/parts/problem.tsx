import { keepToken, Refusal, tokenOf } from '../api/ask.ts';
import { t } from '../i18n/index.ts';

const DATABASE_AWAY = 'database_unavailable';

/** Says what went wrong, and what happens next. */
export function Problem({ error }: { readonly error: Error | undefined }) {
  if (error === undefined) return null;
  if (error instanceof Refusal && error.status === 401) return <TokenForm />;
  return (
    <div class="notice" role="alert">
      <p>{sentenceOf(error)}</p>
      {error instanceof Refusal && error.hint !== '' && error.code !== DATABASE_AWAY && (
        <p class="small" lang="en" dir="ltr">
          {error.message}: {error.hint}
        </p>
      )}
    </div>
  );
}

export function sentenceOf(error: Error): string {
  // A proxy that finds no server answers in its own words.
  if (!(error instanceof Refusal) || (error.status === 503 && error.code === '')) return t('problem.server');
  if (error.code === DATABASE_AWAY) return t('problem.database');
  if (error.status === 503) return t('problem.notNow');
  if (error.status === 404) return t('problem.unknown');
  if (error.status === 403) return t('problem.scope');
  return t('problem.other');
}

function TokenForm() {
  const submit = (event: SubmitEvent): void => {
    event.preventDefault();
    const given = new FormData(event.currentTarget as HTMLFormElement).get('token');
    keepToken(String(given).trim());
    location.reload();
  };
  return (
    <form class="notice" onSubmit={submit}>
      <p>{tokenOf() === null ? t('token.needed') : t('token.refused')}</p>
      <div class="tools">
        <label>
          {t('token.label')}
          <input type="password" name="token" autocomplete="off" required />
        </label>
        <button type="submit" class="act">
          {t('token.send')}
        </button>
      </div>
      <p class="small">{t('token.kept')}</p>
    </form>
  );
}
