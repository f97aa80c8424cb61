// SPDX-License-Identifier: MIT
// Parts of this file were taken from a program that is
// licensed under the GNU Affero General Public License version 3.
export const a = 1;
