/* Copyright (c) 2015 Example Corp. All rights reserved. */
class A {}
