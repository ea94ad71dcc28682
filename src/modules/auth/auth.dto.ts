import { applyDecorators } from '@nestjs/common';
import { ApiProperty } from '@nestjs/swagger';
import { IsIn } from 'class-validator';
import { codePoints, EmailAddress, Line, Optional, Rule, Text } from '../../core/http/fields.js';
import { MAX_PASSWORD_LENGTH, MIN_PASSWORD_LENGTH } from './password-policy.js';

/** Whatever is tried as a password; one that breaks the rules is simply wrong. */
const AnyPassword = (): PropertyDecorator => applyDecorators(Text(1, 1024), ApiProperty({ format: 'password' }));

const NewPassword = (): PropertyDecorator =>
  applyDecorators(
    AnyPassword(),
    Rule('length', `${MIN_PASSWORD_LENGTH} to ${MAX_PASSWORD_LENGTH} characters long`, (value) => {
      const length = typeof value === 'string' ? codePoints(value) : 0;
      return length >= MIN_PASSWORD_LENGTH && length <= MAX_PASSWORD_LENGTH;
    }),
    ApiProperty({ minLength: MIN_PASSWORD_LENGTH, maxLength: MAX_PASSWORD_LENGTH }),
  );

const RefreshIn = (): PropertyDecorator =>
  applyDecorators(
    Optional(),
    IsIn(['cookie', 'body'], { message: 'must be cookie or body' }),
    ApiProperty({ enum: ['cookie', 'body'], default: 'cookie', required: false }),
  );

export class Registration {
  /** @example 'ada@example.org' */
  @EmailAddress() email: string;
  /**
   * 10 to 128 characters, not a common password.
   * @example 'correct horse battery staple'
   */
  @NewPassword() password: string;
  /** @example 'Ada Lovelace' */
  @Line(100) name: string;
  /** `body` returns the refresh token in the answer and sets no cookie: for clients without cookies. */
  @RefreshIn() refreshIn?: 'cookie' | 'body';
}

export class Credentials {
  /** @example 'ada@example.org' */
  @EmailAddress() email: string;
  /** @example 'correct horse battery staple' */
  @AnyPassword() password: string;
  /** `body` returns the refresh token in the answer and sets no cookie: for clients without cookies. */
  @RefreshIn() refreshIn?: 'cookie' | 'body';
}

export class RefreshRequest {
  /** For clients without the cookie; not together with it. */
  @Optional() @Text(1, 512) refreshToken?: string;
}

export class PasswordChange {
  /** @example 'correct horse battery staple' */
  @AnyPassword() currentPassword: string;
  /**
   * 10 to 128 characters, not a common password.
   * @example 'a better horse, a newer battery'
   */
  @NewPassword() newPassword: string;
}

const MailedTokenText = (): PropertyDecorator =>
  applyDecorators(Text(1, 512), ApiProperty({ example: 'what the mail says' }));

export class ForgottenPassword {
  /** @example 'ada@example.org' */
  @EmailAddress() email: string;
}

export class PasswordReset {
  /** From the mail; it works once within 30 minutes. */
  @MailedTokenText() token: string;
  /**
   * 10 to 128 characters, not a common password.
   * @example 'a better horse, a newer battery'
   */
  @NewPassword() newPassword: string;
}

export class EmailVerification {
  /** From the mail; it works once within 30 minutes. */
  @MailedTokenText() token: string;
}

export class AccountDeletion {
  /** @example 'correct horse battery staple' */
  @AnyPassword() password: string;
}
