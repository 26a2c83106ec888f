#include "ike/effects.h"

namespace cygnet::ike {

Input::Input(Input&& other) noexcept = default;
Input& Input::operator=(Input&& other) noexcept = default;
Input::~Input() = default;

Effect::Effect(Effect&& other) noexcept = default;
Effect& Effect::operator=(Effect&& other) noexcept = default;
Effect::~Effect() = default;

}  // namespace cygnet::ike
