export { AdminModule, AdminRoutes } from './admin.module.js';
