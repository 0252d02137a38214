import type { Browser } from 'playwright-core';
import type { Api } from '../../services/api/role.ts';
import { seedCampus } from '../../services/sandbox/campus/seed.ts';
import { startTestApi } from '../api/support.ts';
import { DatasetWorld } from '../dataset/world.ts';
import { openBrowser } from './support.ts';

const NOW = Date.UTC(2026, 4, 20, 14, 30);
export const DEADLINE_MS = 600_000;

export interface Key {
  readonly student_id: number;
  readonly course_id: number;
}

/** A small campus that came through the pipeline: source rows stand behind each number. */
export class WebCampus {
  readonly world: DatasetWorld;
  readonly api: Api;
  readonly browser: Browser;

  private constructor(world: DatasetWorld, api: Api, browser: Browser) {
    this.world = world;
    this.api = api;
    this.browser = browser;
  }

  static async open(purpose: string): Promise<WebCampus> {
    const world = await DatasetWorld.open(purpose);
    await seedCampus(world.source.db, { seed: 'explain', now: NOW, students: 30 });
    await world.begin(NOW, { SOURCE_TIMEZONE: 'UTC', INSTITUTION_TIMEZONE: 'Europe/Paris' }, DEADLINE_MS);
    return new WebCampus(world, await startTestApi(world.analytics.db), await openBrowser());
  }

  async close(): Promise<void> {
    await this.browser.close();
    await this.api.stop();
    await this.world.close();
  }

  /** The first key for which this holds. @param condition SQL over the columns of the three tables */
  async keyWith(condition: string): Promise<Key> {
    const [key] = await this.world.analytics.db.query<Key>(
      `SELECT student_id, course_id FROM engagement_features JOIN performance_features USING (student_id, course_id)
         JOIN anomaly_features USING (student_id, course_id)
       WHERE ${condition} ORDER BY events_count DESC, student_id, course_id LIMIT 1`,
    );
    if (key === undefined) throw new Error(`nobody of the campus has ${condition}`);
    return key;
  }

  url({ student_id, course_id }: Key): string {
    return `${this.api.url}/#/course/${course_id}/student/${student_id}`;
  }
}
