// A dense table: columns say how a row is read, the caption names it for those who do not see it.
import type { ReactNode } from "react";

export interface Column<Row> {
  readonly title: string;
  readonly number?: boolean;
  /** Sentences: broken into lines when they are long. */
  readonly wrap?: boolean;
  /** Extra classes of the cell, as "up" or "quote". */
  readonly className?: (row: Row) => string;
  readonly cell: (row: Row) => ReactNode;
}

interface Props<Row> {
  readonly caption: string;
  readonly columns: readonly Column<Row>[];
  readonly rows: readonly Row[] | undefined;
  readonly rowKey: (row: Row) => string;
  readonly chosen?: (row: Row) => boolean;
  /** What to say when the rows are known and there are none. */
  readonly empty: string;
  /** On a phone every row becomes a card: for few rows with much in each. */
  readonly stacked?: boolean;
  /** Why the rows could not be fetched. */
  readonly problem?: string | undefined;
}

function classOf<Row>(column: Column<Row>, row: Row): string | undefined {
  const names = [column.number && "number", column.className?.(row)].filter(Boolean).join(" ");
  return names === "" ? undefined : names;
}

export function DataTable<Row>({ caption, columns, rows, rowKey, chosen, empty, stacked, problem }: Props<Row>) {
  return (
    <div className="scroll" role="group" aria-label={caption} tabIndex={0}>
      {problem === undefined ? null : <p className="problem" role="alert">{problem}</p>}
      <table className={stacked ? "data stacked" : "data"}>
        <caption className="visually-hidden">{caption}</caption>
        <thead>
          <tr>
            {columns.map((column) => (
              <th key={column.title} scope="col" className={column.number ? "number" : undefined}>
                {column.title}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows?.map((row) => (
            <tr key={rowKey(row)} className={chosen?.(row) ? "chosen" : undefined}>
              {columns.map((column) => (
                <td key={column.title} data-title={column.title} className={classOf(column, row)}>
                  {column.wrap ? <span className="wrapped">{column.cell(row)}</span> : column.cell(row)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
      {rows === undefined && problem === undefined ? <p className="empty">Loading…</p> : null}
      {rows?.length === 0 ? <p className="empty">{empty}</p> : null}
    </div>
  );
}
