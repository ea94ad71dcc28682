import { Decimal128 } from 'bson';
import { arithmetic, quotient } from './arithmetic.js';
import { double, integer, numberType, toBigInt, toDouble } from './numbers.js';
import { type Numeric, isNumeric } from './values.js';

/**
 * A running sum that does not depend on the order of its parts: whole numbers exactly, doubles with
 * compensation (Neumaier), decimals apart. What is not a number is passed over.
 */
export class Sum {
  private whole = 0;
  private large = 0n;
  private real = 0;
  private lost = 0;
  private decimal: Numeric | undefined;
  private type: 'int' | 'long' | 'double' = 'int';
  private count = 0;

  add(value: unknown): void {
    if (!isNumeric(value)) return;
    this.count++;
    switch (numberType(value)) {
      case 'int':
        this.addWhole(toDouble(value));
        break;
      case 'long':
        if (this.type === 'int') this.type = 'long';
        this.large += toBigInt(value);
        break;
      case 'double':
        this.type = 'double';
        this.addReal(toDouble(value));
        break;
      default:
        this.decimal = arithmetic('add', this.decimal ?? 0, value);
    }
  }

  get total(): Numeric {
    if (this.decimal !== undefined) return arithmetic('add', this.decimal, this.plainTotal());
    return this.plainTotal();
  }

  /** `null` if there was no number. */
  get average(): Numeric | null {
    if (this.count === 0) return null;
    if (this.decimal !== undefined) return quotient(this.total, Decimal128.fromString(String(this.count)));
    return double(toDouble(this.plainTotal()) / this.count);
  }

  private addWhole(value: number): void {
    this.whole += value;
    if (!Number.isSafeInteger(this.whole)) {
      this.large += BigInt(this.whole - value) + BigInt(value);
      this.whole = 0;
    }
  }

  private addReal(value: number): void {
    const sum = this.real + value;
    this.lost += Math.abs(this.real) >= Math.abs(value) ? this.real - sum + value : value - sum + this.real;
    this.real = sum;
  }

  private plainTotal(): Numeric {
    const whole = this.large + BigInt(this.whole);
    if (this.type !== 'double') return integer(whole, this.type);
    const corrected = this.real + this.lost;
    const real = Number.isNaN(corrected) ? this.real : corrected;
    return double(real + Number(whole));
  }
}
