/** The parts of the engagement score, in the order of their configuration. */
export const ENGAGEMENT_COMPONENTS = ['logins', 'time', 'forum_posts', 'resources'] as const;
export type EngagementComponent = (typeof ENGAGEMENT_COMPONENTS)[number];

/** One exact number per component: an integer times 10^-SETTING_DECIMALS. */
export type ComponentNumbers = Readonly<Record<EngagementComponent, bigint>>;

export const SETTING_DECIMALS = 6;
