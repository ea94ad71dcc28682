import { Controller, Get, Header, VERSION_NEUTRAL } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import { Public } from '../security/access.js';
import { errorsPage } from './errors-page.js';

@ApiExcludeController()
@Public()
@Controller({ path: 'docs/errors', version: VERSION_NEUTRAL })
export class ErrorsPageController {
  @Get()
  @Header('content-type', 'text/html; charset=utf-8')
  page(): string {
    return errorsPage();
  }
}
