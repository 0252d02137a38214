export { addressEnv } from '#libs/platform/config/address-env.ts';
