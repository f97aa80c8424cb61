//-----------------------------------------------------------------------------
// frobhash was written by Nora Nobody, and is placed in the public
// domain. The author hereby disclaims copyright to this source code.

#ifndef FROB_H
