// Copyright (c) 2015 Example Corp.
// Unauthorized copying of this file, via any medium is strictly prohibited.
// Proprietary and confidential.
class A {}
