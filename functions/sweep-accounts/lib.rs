//! Finds accounts whose event never came, and asks for their onboarding.
