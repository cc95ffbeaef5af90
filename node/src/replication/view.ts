/**
 * Who holds a partition: a numbered view, and what a majority of it is. Only members of one view
 * are ever counted together; the successor list is never asked.
 */

/** A pod with its disk. A pod whose disk is empty is another member under the same name. */
export interface Member {
  readonly name: string;
  /** Made with the disk. */
  readonly incarnation: string;
}

export interface View {
  /** Counts the views of a partition from 1; 0 is no view. */
  readonly epoch: number;
  readonly members: readonly Member[];
}

export const noView: View = { epoch: 0, members: [] };

export function sameMember(a: Member, b: Member): boolean {
  return a.name === b.name && a.incarnation === b.incarnation;
}

/** Whether two lists name the same members, in whatever order. */
export function sameMembers(a: readonly Member[], b: readonly Member[]): boolean {
  return a.length === b.length && a.every((one) => b.some((other) => sameMember(one, other)));
}

export function isMember({ members }: View, member: Member): boolean {
  return members.some((one) => sameMember(one, member));
}

/** Whether more than half of the view's members are among these; others count for nothing. */
export function isMajority(view: View, among: readonly Member[]): boolean {
  const counted = view.members.filter((member) => among.some((one) => sameMember(one, member)));
  return 2 * counted.length > view.members.length;
}
