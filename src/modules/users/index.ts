export { UsersModule, UsersRoutes } from './users.module.js';
export { UsersService } from './users.service.js';
export { MailedTokens } from './mailed-tokens.service.js';
export type { MailedTokenPurpose } from './mailed-token.js';
export { UserDirectory } from './user-directory.js';
export { emailKey, type StandingChange, type User } from './user.js';
export { UserView, userView } from './user.view.js';
export { EmailTaken, LastAdmin, UserNotFound } from './users.errors.js';
export {
  BOOTSTRAP,
  UserDeleted,
  UserEmailVerificationRequested,
  UserPasswordChanged,
  UserPasswordResetRequested,
  UserPurgeDue,
  UserSignedOutEverywhere,
  UserStandingChanged,
  type AdminActor,
  type Standing,
} from './users.events.js';
