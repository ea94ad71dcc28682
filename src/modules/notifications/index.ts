export { CHANNELS as DELIVERY_QUEUES } from './notification.js';
export { NotificationsModule, NotificationsRoutes } from './notifications.module.js';
export { RealtimeRoutes } from './realtime/realtime.module.js';
