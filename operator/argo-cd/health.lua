-- Health of a Tenant for Argo CD (resource.customizations.health.tenancy.berth.dev_Tenant): by the kstatus rules that the
-- operator keeps. Healthy: Ready for the generation that is there. Degraded: Stalled, a person is needed. Else Progressing.
local health = { status = "Progressing", message = "the operator has not looked at it yet" }
if obj.metadata.deletionTimestamp ~= nil then
  health.message = "being deleted"
end
if obj.spec ~= nil and obj.spec.suspended == true then
  health = { status = "Suspended", message = "access is taken away" }
end
if obj.status == nil or obj.status.conditions == nil then
  return health
end
for _, condition in ipairs(obj.status.conditions) do
  local current = condition.observedGeneration == nil or condition.observedGeneration == obj.metadata.generation
  if condition.type == "Stalled" and condition.status == "True" and current then
    return { status = "Degraded", message = condition.reason .. ": " .. condition.message }
  end
end
for _, condition in ipairs(obj.status.conditions) do
  if condition.type == "Ready" then
    if condition.observedGeneration ~= nil and condition.observedGeneration ~= obj.metadata.generation then
      health = { status = "Progressing", message = "the operator has not looked at this generation yet" }
    elseif condition.status == "True" then
      if health.status ~= "Suspended" then
        health = { status = "Healthy", message = condition.message }
      end
    else
      health = { status = "Progressing", message = condition.reason .. ": " .. condition.message }
    end
  end
end
return health
