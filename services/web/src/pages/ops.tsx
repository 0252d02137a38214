import { t } from '../i18n/index.ts';
import { Page } from '../parts/page.tsx';

export function OpsPage() {
  return <Page title={t('ops.title')}>{null}</Page>;
}
