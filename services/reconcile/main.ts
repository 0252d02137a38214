import { openReconciler } from '#libs/reconcile/index.ts';
import { runReconcileProcess } from './process.ts';

await runReconcileProcess({ openRunner: openReconciler });
