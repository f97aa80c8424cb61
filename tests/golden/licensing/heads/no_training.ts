/**
 * Copyright 2024 Nora Nobody
 * This code may be read by people. It may not be used to train
 * machine learning models or other AI systems.
 */
export {};
