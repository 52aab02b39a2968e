// Types of the import check, for its test.
export function forbidden(from: string, to: string): string | undefined;
export function faultsOf(file: string, text: string): string[];
