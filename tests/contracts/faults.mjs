// Faults by the place they are at, each told once with the number of its occurrences.
export class Faults {
  /// `exceptions`: what a judge calls a fault and a forge really does, as `{ fault: /…/, why: "evidence" }`.
  constructor(exceptions = []) {
    this.found = new Map();
    this.unused = new Set(exceptions);
    this.exceptions = exceptions;
  }

  add(place, faults, example = "") {
    for (const fault of faults) {
      const whole = `${place}: ${fault.replaceAll(/\/\d+/g, "/*")}`;
      const exception = this.exceptions.find((one) => one.fault.test(whole));
      if (exception) {
        this.unused.delete(exception);
        continue;
      }
      const seen = this.found.get(whole) ?? { count: 0, example };
      this.found.set(whole, { ...seen, count: seen.count + 1 });
    }
  }

  /// Prints them, and exceptions that excuse nothing any more; says whether there are none.
  tell() {
    for (const { fault } of this.unused) console.error(`  the exception ${fault} is not needed any more`);
    for (const [fault, { count, example }] of this.found) {
      console.error(`  ${fault} (${count}×)${example ? `\n      ${example.slice(0, 300)}` : ""}`);
    }
    return this.found.size === 0 && this.unused.size === 0;
  }
}
